"""A trained network out of MLflow is the one in the files."""

from __future__ import annotations

import numpy as np
import pytest

import lstm_bench
from lstm_bench.errors import BenchError
from lstm_bench.store.paths import Results
from lstm_bench.tracking.importer import track
from lstm_bench.tracking.known import plan_of
from tests.unit.tracking.conftest import Mlflow


def test_a_replicate_in_mlflow_computes_what_it_computed_in_its_folder(results: Results):
    sizes = {"validation_size": 16, "test_size": 16, "evaluate_every": 2, "width": 4}
    trained = lstm_bench.train(
        "adding", "lstm", 5, replicates=2, updates=4, root=results.root, device="cpu", **sizes
    )
    track(plan_of(results), results)
    mlflow, net = Mlflow(results), trained.replicate(1)
    run = mlflow.named("lstm adding T5 seed 1")
    found = lstm_bench.load_network(f"runs:/{run.info.run_id}", root=results.root)
    x = net.sample(3).inputs
    assert (found.condition, found.seed) == (net.condition, 1)
    assert np.array_equal(found.predict(x), net.predict(x))
    parent = mlflow.named("lstm adding T5")
    with pytest.raises(BenchError, match="it is not a replicate"):
        lstm_bench.load_network(f"runs:/{parent.info.run_id}", root=results.root)
    with pytest.raises(BenchError, match="'0123' is not among those of sqlite"):
        lstm_bench.load_network("runs:/0123", root=results.root)
