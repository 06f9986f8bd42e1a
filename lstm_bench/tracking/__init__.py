"""The MLflow view: training writes files, one importer shows them. Importing this room is cheap.

`importer.track` brings MLflow up to date with `results/` as often as it is called; `ui.serve` opens
it in a browser. Nothing here is a source of truth: `rm results/mlflow.db` loses nothing.

    known       what the plans of the folder say of what is stored in it
    blocks      the seed blocks that are finished
    wanted      the runs MLflow should have, with a key and a digest each
    conditions  the runs of a condition and of its replicates, called as in names
    records     what a run shows: parameters, metrics, curves
    notes       the descriptions above the runs
    views       saved views of the table and of charts
    page        the page of the experiment: its note, the charts of the sweep
    disk        SQLite, and the disk it needs
    networks    a trained network from a file or from a run
    names       what conditions and replicates are called
    credentials what may be printed of its address
    address     where MLflow is, and what to say when it does not answer
    proxies     which proxy an address is asked through
    moved       results/mlflow.db after its folder was moved or copied
    client      the only module that imports mlflow
    importer    makes MLflow agree with what is wanted
    ui          MLflow's server, and importing while it is open
"""
