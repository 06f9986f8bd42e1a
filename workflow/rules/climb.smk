# one job a ladder: which of its rungs are trained depends on what it finds, so that Snakemake is told of
# the record alone. Where a run of it is lost the record goes too (common.smk), and it climbs again
rule climb:
    output:
        paths.LADDER,
        paths.LADDER.replace(".json", ".sha256"),
    log:
        f"{paths.LOG}/climb/{{ladder}}.log",
    benchmark:
        f"{paths.BENCHMARK}/climb/{{ladder}}.tsv"
    priority: ladder_priority
    retries: 0 if workflow.remote_exec else 2
    group:
        lambda wildcards: packing.group_of_ladder(
            plan, wildcards.ladder, ladder_gpus(plan, wildcards.ladder)
        )
    conda:
        this_environment
    threads: 1
    resources:
        attempt=lambda wildcards, attempt: attempt,
        mem_mb=lambda wildcards, attempt: packing.ladder_mem_mb(
            plan, wildcards.ladder, attempt
        ),
        runtime=lambda wildcards, attempt: packing.ladder_minutes(
            plan, wildcards.ladder, attempt
        ),
        gpu=lambda wildcards: ladder_gpus(plan, wildcards.ladder),
        device_mib=lambda wildcards: ladder_mib(plan, wildcards.ladder),
    params:
        ladder=lambda wildcards: canonical(plan.ladders[wildcards.ladder]),
        conditions=lambda wildcards: canonical(
            [
                plan.conditions[id].spec
                for id in plan.ladders[wildcards.ladder].conditions
            ]
        ),
        code=lambda wildcards: [
            plan.conditions[id].code
            for id in plan.ladders[wildcards.ladder].conditions
        ],
    shell:
        "python -m lstm_bench.jobs.climb --name {wildcards.ladder}"
        " --ladder {params.ladder:q} --conditions {params.conditions:q}"
        " --memory-mib {resources.device_mib}"
        " --attempt {resources.attempt} --attempts 3 >> {log:q} 2>&1"
