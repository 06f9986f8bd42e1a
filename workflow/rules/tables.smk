# no part of `rule all`: the tables have conditions of their own, and take as long as a sweep
rule table:
    input:
        lambda wildcards: plan.table_files(wildcards.row),
    output:
        [f"{paths.TABLE}{ending}" for ending in (*paths.TABLE_FILES, ".sha256")],
    log:
        f"{paths.LOG}/table/{{row}}.log",
    conda:
        this_environment
    params:
        arms=lambda wildcards: digest(plan.tables[wildcards.row].arms),
        code=lambda wildcards: plan.tables[wildcards.row].code,
    shell:
        "python -m lstm_bench.stages table {wildcards.row} > {log:q} 2>&1"


rule tables:
    input:
        [
            f"{paths.TABLE}{ending}".format(row=row)
            for row in plan.tables
            for ending in paths.TABLE_FILES
        ],
    output:
        report(
            paths.TABLES_PAGE,
            caption="../report/page.rst",
            category="Report",
            labels={"what": "published tables"},
        ),
    log:
        f"{paths.LOG}/tables.log",
    conda:
        this_environment
    params:
        code=plan.code["tables"],
    shell:
        "python -m lstm_bench.stages tables > {log:q} 2>&1"
