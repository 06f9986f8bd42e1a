rule report:
    input:
        plan.experiment_files(paths.EXPERIMENT_TABLES),
        plan.figure_files(),
        [f"{paths.CLAIMS}/{name}" for name in paths.CLAIM_FILES],
    output:
        page=report(
            paths.REPORT,
            caption="../report/page.rst",
            category="Report",
            labels={"what": "the whole report"},
        ),
        explorer=directory(paths.EXPLORER),
    log:
        f"{paths.LOG}/report.log",
    conda:
        this_environment
    params:
        code=plan.code["report"],
        shown=digest([plan.sweep, plan.config, plan.declaration]),
        beside=plan.beside_digest(),
    shell:
        "python -m lstm_bench.stages report --output {output.page:q}"
        " --explorer {output.explorer:q} > {log:q} 2>&1"
