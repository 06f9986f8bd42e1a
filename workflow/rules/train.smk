# the job is told which attempt it is: the last one writes a row for every replicate it could not save
rule train:
    output:
        [f"{paths.BLOCK}/{name}" for name in paths.BLOCK_FILES],
    log:
        f"{paths.LOG}/train/{{condition}}/{{block}}.log",
    benchmark:
        f"{paths.BENCHMARK}/train/{{condition}}/{{block}}.tsv"
    # the longest trainings first, so that no core waits for a late one
    priority: priority
    # on a cluster the process that submits tries again, with more memory and time
    retries: 0 if workflow.remote_exec else 2
    group:
        lambda wildcards: packing.group(
            plan.conditions[wildcards.condition],
            wildcards.block,
            gpus(plan, wildcards.condition),
        )
    conda:
        this_environment
    threads: 1
    resources:
        attempt=lambda wildcards, attempt: attempt,
        mem_mb=lambda wildcards, attempt: packing.mem_mb(
            plan.conditions[wildcards.condition], wildcards.block, attempt
        ),
        runtime=lambda wildcards, attempt: packing.minutes(
            plan.conditions[wildcards.condition], wildcards.block, attempt
        ),
        gpu=lambda wildcards: gpus(plan, wildcards.condition),
        device_mib=lambda wildcards: block_mib(
            plan, wildcards.condition, wildcards.block
        ),
    params:
        spec=lambda wildcards: canonical(plan.conditions[wildcards.condition].spec),
        code=lambda wildcards: plan.conditions[wildcards.condition].code,
    shell:
        "python -m lstm_bench.jobs.job"
        " --condition {params.spec:q} --block {wildcards.block}"
        " --memory-mib {resources.device_mib}"
        " --attempt {resources.attempt} --attempts 3 >> {log:q} 2>&1"
