# the memory card of the first cell, of any sweep; asked for by name (`lstm-bench profile` does)
card_folder = paths.CARD.format(card=paths.card_name(plan.sweep.cells[0].shown))


rule card:
    input:
        lambda wildcards: plan.finished_files(plan.asked),
        lambda wildcards: [
            file for name in plan.asked for file in plan.probe_files(name)
        ],
    output:
        [f"{card_folder}/{name}" for name in paths.CARD_FILES],
    log:
        f"{paths.LOG}/card.log",
    conda:
        this_environment
    params:
        code=plan.code["card"],
        shown=lambda wildcards: digest(
            [plan.sweep, plan.config, [plan.membership(name) for name in plan.asked]]
        ),
    shell:
        "python -m lstm_bench.stages card > {log:q} 2>&1"
