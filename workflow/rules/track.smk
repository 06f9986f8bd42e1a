# mlflow.db is no output (Snakemake would delete it whenever the sweep grows): the output is a stamp
rule track:
    input:
        plan.experiment_files(paths.EXPERIMENT_TABLES),
        plan.figure_files(),
    output:
        paths.TRACKED,
    log:
        f"{paths.LOG}/track.log",
    conda:
        this_environment
    params:
        code=plan.code["track"],
        where=digest([plan.config["tracking"], address.shown_address()]),
    shell:
        "python -m lstm_bench.stages track --stamp {output:q} > {log:q} 2>&1"
