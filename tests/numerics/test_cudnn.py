"""The cuDNN backend's mapping of weights, gates and layouts, through torch's CPU path."""

from __future__ import annotations

import pytest
import torch

from lstm_bench import engine
from lstm_bench.cells.base import Params
from lstm_bench.cells.elman import Elman
from lstm_bench.errors import BenchError
from tests.numerics.support import (
    EXACT,
    assert_agree,
    cell_named,
    forward_and_gradients,
    make_params,
    randn,
)


@pytest.mark.parametrize("steps", [(6,), (0, 3, 6), tuple(range(7))])
@pytest.mark.parametrize("name", ["lstm", "gru", "elman", "irnn", "elman_relu"])
def test_one_replicate_by_torchs_own_function_is_the_loop(name: str, steps: tuple[int, ...]):
    cell = cell_named(name)
    state = tuple(0.5 * randn(2 + i, 1, 5, 4) for i in range(len(cell.state)))
    given = (cell, make_params(cell, 3, 5), randn(1, 7, 1, 3, 4), state, steps)
    exact = forward_and_gradients(*given, "loop")
    assert_agree(forward_and_gradients(*given, "cudnn"), exact, EXACT)


def test_several_replicates_are_refused_in_one_sentence():
    cell = cell_named("lstm")
    state = tuple(randn(i, 2, 5, 4) for i in range(2))
    params = Params(make_params(cell, 3, 5, R=2))
    with pytest.raises(BenchError, match="runs one replicate, but was given 2"):
        engine.unroll(cell, params, randn(1, 7, 2, 3, 4), state, (6,), "cudnn")


def test_another_cell_is_refused():
    class Louder(Elman):
        pass

    with pytest.raises(BenchError, match="'cudnn' cannot run cell"):
        engine.backend_for(Louder(), "cudnn", torch.zeros(1))
