# measured on request alone: what it says is of this machine, and it takes every core for a while
rule speed:
    input:
        [
            f"{paths.EXPERIMENT}/{name}".format(experiment="speed")
            for name in (*paths.EXPERIMENT_TABLES, *paths.EXPERIMENT_FIGURES)
        ],
