rule dataset:
    output:
        [f"{paths.DATASET}/{name}" for name in paths.DATASET_FILES],
    log:
        f"{paths.LOG}/dataset/{{task}}-T{{T}}-{{dataset}}.log",
    # before any training: the longest of them must be there to be chosen first
    priority: 2**40
    conda:
        this_environment
    params:
        spec=lambda wildcards, output: canonical(
            plan.datasets[paths.DATASET.format(**wildcards)].spec
        ),
        code=lambda wildcards, output: plan.datasets[
            paths.DATASET.format(**wildcards)
        ].code,
    shell:
        "python -m lstm_bench.stages dataset --spec {params.spec:q} > {log:q} 2>&1"
