# the choice is frozen in a file under version control, which is no output: Snakemake deletes the
# outputs of a job that fails
rule tune:
    input:
        [
            f"{paths.EXPERIMENT}/{name}".format(experiment="tuning")
            for name in (*paths.EXPERIMENT_TABLES, *paths.EXPERIMENT_FIGURES)
        ],
    log:
        f"{paths.LOG}/tune.log",
    conda:
        this_environment
    shell:
        "python -m lstm_bench.stages freeze 2>&1 | tee {log:q}"
