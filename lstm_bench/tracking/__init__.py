"""The MLflow view: training writes files, one importer shows them. Importing this room is cheap.

`importer.track` brings MLflow up to date with `results/` as often as it is called; `ui.serve` opens
it in a browser. Nothing here is a source of truth: `rm results/mlflow.db` loses nothing.

    blocks      the seed blocks that are finished
    wanted      the runs MLflow should have, with a key and a digest each
    conditions  the runs of a condition and of its replicates, called as in names
    records     what a run shows: parameters, metrics, curves
    notes       the descriptions above the runs
    views       the page of the experiment: its note, its saved views, the links to them
    credentials what may be printed of its address
    address     where MLflow is, and what to say when it does not answer
    proxies     which proxy an address is asked through
    client      the only module that imports mlflow
    importer    makes MLflow agree with what is wanted
    ui          MLflow's server, and importing while it is open
"""
