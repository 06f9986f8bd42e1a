# verdicts rest on updates and counts; the seconds they stand beside have a file of their own
rule judge:
    input:
        plan.claim_files(),
    output:
        report(
            f"{paths.CLAIMS}/verdicts.json",
            caption="../report/verdicts.rst",
            category="Claims",
            labels={"what": "verdicts"},
        ),
        f"{paths.CLAIMS}/verdicts.csv",
        f"{paths.CLAIMS}/votes.csv",
        f"{paths.CLAIMS}/values.csv",
        f"{paths.CLAIMS}/verdicts.sha256",
        f"{paths.CLAIMS}/measured_seconds.csv",
        f"{paths.CLAIMS}/measured_seconds.sha256",
    log:
        f"{paths.LOG}/judge.log",
    conda:
        this_environment
    params:
        claims=digest([plan.claims, plan.declaration]),
        members=[plan.membership(name) for name in plan.asked],
        code=plan.code["judge"],
    shell:
        "python -m lstm_bench.stages judge > {log:q} 2>&1"
