# one job a cell on a task: which rates are tried at the next length depends on what it finds
rule search:
    output:
        paths.SEARCH,
        paths.SEARCH.replace(".json", ".sha256"),
    log:
        f"{paths.LOG}/search/{{search}}.log",
    benchmark:
        f"{paths.BENCHMARK}/search/{{search}}.tsv"
    retries: 0 if workflow.remote_exec else 2
    conda:
        this_environment
    threads: 1
    resources:
        attempt=lambda wildcards, attempt: attempt,
        gpu=lambda wildcards: search_gpus(plan, wildcards.search),
    params:
        search=lambda wildcards: canonical(plan.searches[wildcards.search]),
    shell:
        "python -m lstm_bench.jobs.search --name {wildcards.search} --search {params.search:q}"
        " --attempt {resources.attempt} --attempts 3 >> {log:q} 2>&1"
