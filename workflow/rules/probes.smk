# a probe that times something takes every core, so that nothing it measures is disturbed: more are
# asked for than there are, and Snakemake gives what it has. One that reads stored weights takes one
rule probe:
    input:
        lambda wildcards: plan.probe_inputs(wildcards.experiment),
    output:
        paths.PROBE,
    log:
        f"{paths.LOG}/probe/{{probe}}-{{experiment}}-{{digest}}.log",
    conda:
        this_environment
    threads: lambda wildcards: 1 if plan.probe_inputs(wildcards.experiment) else 1024
    params:
        settings=lambda wildcards: canonical(
            plan.experiments[wildcards.experiment].probe_settings
        ),
        code=lambda wildcards: plan.experiments[wildcards.experiment].probe_code,
    shell:
        # settings name every run: as an argument those of two thousand would be too long
        "python -m lstm_bench.stages probe {wildcards.experiment} --output {output:q}"
        " > {log:q} 2>&1"
