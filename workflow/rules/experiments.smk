rule conclude:
    input:
        lambda wildcards: plan.finished_files([wildcards.experiment]),
        lambda wildcards: plan.probe_files(wildcards.experiment),
    output:
        report(
            f"{paths.EXPERIMENT}/table.csv",
            caption="../report/table.rst",
            category="{experiment}",
            labels={"what": "table"},
        ),
        report(
            f"{paths.EXPERIMENT}/summary.csv",
            caption="../report/summary.rst",
            category="{experiment}",
            labels={"what": "summary"},
        ),
        f"{paths.EXPERIMENT}/verdict.json",
        f"{paths.EXPERIMENT}/tables.sha256",
    log:
        f"{paths.LOG}/conclude/{{experiment}}.log",
    conda:
        this_environment
    params:
        members=lambda wildcards: plan.membership(wildcards.experiment),
        joined=lambda wildcards: plan.joined_digest(wildcards.experiment),
        code=lambda wildcards: plan.experiments[wildcards.experiment].code,
    shell:
        "python -m lstm_bench.stages conclude {wildcards.experiment} > {log:q} 2>&1"


rule draw:
    input:
        [f"{paths.EXPERIMENT}/{name}" for name in paths.EXPERIMENT_TABLES],
    output:
        report(
            f"{paths.EXPERIMENT}/figure.svg",
            caption="../report/figure.rst",
            category="{experiment}",
            labels={"what": "figure"},
        ),
        [f"{paths.EXPERIMENT}/{name}" for name in paths.EXPERIMENT_FIGURES[1:]],
        f"{paths.EXPERIMENT}/figures.sha256",
    log:
        f"{paths.LOG}/draw/{{experiment}}.log",
    wildcard_constraints:
        experiment=one_of(plan.supplemented(False)),
    conda:
        this_environment
    params:
        members=lambda wildcards: plan.membership(wildcards.experiment),
        code=lambda wildcards: plan.experiments[wildcards.experiment].figure_code,
    shell:
        "python -m lstm_bench.stages draw {wildcards.experiment} > {log:q} 2>&1"


use rule draw as draw_both with:
    output:
        report(
            f"{paths.EXPERIMENT}/figure.svg",
            caption="../report/figure.rst",
            category="{experiment}",
            labels={"what": "figure"},
        ),
        [f"{paths.EXPERIMENT}/{name}" for name in paths.EXPERIMENT_FIGURES[1:]],
        f"{paths.EXPERIMENT}/figures.sha256",
        [f"{paths.EXPERIMENT}/{name}" for name in paths.SUPPLEMENT_FIGURES],
    wildcard_constraints:
        experiment=one_of(plan.supplemented(True)),


rule figures:
    input:
        plan.experiment_files(paths.EXPERIMENT_TABLES),
        plan.figure_files(),
