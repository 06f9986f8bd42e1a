"""The Triton kernels against the plain loop in float64; interpreted where there is no GPU."""

from __future__ import annotations

import importlib.util
import os
from itertools import combinations, product

import pytest
import torch

CUDA = torch.cuda.is_available()
if not CUDA:  # read when triton is imported
    os.environ["TRITON_INTERPRET"] = "1"

from lstm_bench import engine  # noqa: E402
from lstm_bench.cells.base import Params  # noqa: E402
from lstm_bench.engine import gpu  # noqa: E402
from lstm_bench.engine.gpu import memory  # noqa: E402
from tests.numerics.support import (  # noqa: E402
    assert_agree,
    cell_named,
    forward_and_gradients,
    make_params,
    randn,
    relative_error,
)

pytestmark = pytest.mark.skipif(
    importlib.util.find_spec("triton") is None,
    reason="triton is not installed: pip install 'lstm-bench[gpu]'",
)
DEVICE = torch.device("cuda" if CUDA else "cpu")
CELLS = ("lstm", "gru", "elman", "irnn")
VALUES = ((1, 5, 17, 33), (1, 3, 20), (1, 2, 7), (1, 3), (1, 7))  # of H, B, T, R, D
SHAPES = (  # every two values of two sizes meet; a GPU runs the whole grid
    (1, 1, 1, 1, 7),
    (1, 3, 7, 1, 1),
    (1, 20, 2, 3, 7),
    (5, 1, 2, 3, 1),
    (5, 3, 1, 1, 7),
    (5, 20, 7, 1, 1),
    (17, 1, 7, 1, 7),
    (17, 3, 2, 1, 1),
    (17, 20, 1, 3, 1),
    (33, 1, 7, 3, 1),
    (33, 3, 1, 3, 7),
    (33, 20, 2, 1, 7),
)
SINGLE = 1e-5


def case(name: str, H: int, B: int, T: int, R: int, D: int, shared: bool = False):
    cell = cell_named(name)
    params = make_params(cell, D, H, R=R, scale=0.5 / H**0.5)
    inputs = randn(1, T, 1 if shared else R, D, B)
    return cell, params, inputs, tuple(0.5 * randn(2 + i, R, H, B) for i in range(len(cell.state)))


def on_device(cell, params, inputs, state):
    moved = {name: t.to(DEVICE) for name, t in params.items()}
    return cell, moved, inputs.to(DEVICE), tuple(part.to(DEVICE) for part in state)


def assert_equal_to_the_loop(given, steps, backend: str = "triton", tolerance: float = SINGLE):
    """Within the tolerance, or four times what the loop itself loses where sums cancel."""
    exact = forward_and_gradients(*given, steps, "loop")
    rounded = forward_and_gradients(*given, steps, "loop", torch.float32)
    found = forward_and_gradients(*on_device(*given), steps, backend, torch.float32)
    assert found.keys() == exact.keys()
    for name, reference in exact.items():
        allowed = max(tolerance, 4 * relative_error(rounded[name], reference))
        assert_agree({name: found[name].cpu()}, {name: reference}, allowed)


def test_the_shapes_hold_every_pair_of_sizes():
    for a, b in combinations(range(5), 2):
        met = {(shape[a], shape[b]) for shape in SHAPES}
        assert met >= set(product(VALUES[a], VALUES[b])), (a, b)


@pytest.mark.parametrize(("H", "B", "T", "R", "D"), list(product(*VALUES)) if CUDA else SHAPES)
@pytest.mark.parametrize("name", ["lstm", "gru", "elman"])
def test_states_and_all_gradients_are_those_of_the_float64_loop(
    name: str, H: int, B: int, T: int, R: int, D: int
):
    given, steps = case(name, H, B, T, R, D), tuple(range(T - 1, -1, -3))[::-1]
    assert_equal_to_the_loop(given, steps)


@pytest.mark.skipif(not CUDA, reason="Triton's interpreter computes TF32 products exactly")
@pytest.mark.parametrize(("H", "B", "T", "R", "D"), SHAPES)
@pytest.mark.parametrize("name", ["lstm", "gru", "elman"])
def test_three_tf32_products_are_as_good_as_one_of_float32(
    name: str, H: int, B: int, T: int, R: int, D: int
):
    assert_equal_to_the_loop(case(name, H, B, T, R, D), (T - 1,), "triton-tf32x3")


@pytest.mark.parametrize("name", ["irnn", "elman_relu"])
@pytest.mark.parametrize(("H", "B", "T", "R", "D"), SHAPES[7:9])
def test_rectified_units_are_those_of_the_loop_too(
    name: str, H: int, B: int, T: int, R: int, D: int
):
    assert_equal_to_the_loop(case(name, H, B, T, R, D), (T - 1,))


@pytest.mark.parametrize("name", CELLS)
def test_many_inputs_shared_by_the_replicates_in_two_tiles_of_the_batch(name: str):
    assert_equal_to_the_loop(case(name, 3, 33, 2, 2, 18, shared=True), (0, 1))


@pytest.mark.parametrize("name", CELLS)
def test_a_width_that_does_not_fit_on_the_chip_is_read_from_the_cache(
    name: str, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(memory, "RESIDENT_BYTES", 0)
    monkeypatch.setattr(memory, "WIDE_TILE", 16)
    assert not memory.tiles(memory.KINDS[type(cell_named(name))], 19, 3, "ieee").resident
    assert_equal_to_the_loop(case(name, 19, 3, 2, 2, 1), (0, 1))


@pytest.mark.parametrize("name", ["lstm", "gru", "elman"])
@pytest.mark.parametrize("limit", [memory.RESIDENT_BYTES, 0], ids=["resident", "wide"])
def test_a_pass_without_gradients_gives_the_very_same_numbers(
    name: str, limit: int, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr(memory, "RESIDENT_BYTES", limit)
    monkeypatch.setattr(memory, "WIDE_TILE", 16)
    cell, params, inputs, state = on_device(*case(name, 5, 3, 2, 1, 1))
    p = Params({k: v.float().requires_grad_() for k, v in params.items()})
    given = (cell, p, inputs.float(), tuple(part.float() for part in state), (0, 1), "triton")
    hidden, last = engine.unroll(*given)
    with torch.no_grad():
        streamed, streamed_last = engine.unroll(*given)
    assert hidden.requires_grad
    assert not streamed.requires_grad
    assert torch.equal(streamed, hidden)
    assert all(torch.equal(a, b) for a, b in zip(streamed_last, last))


def test_several_forwards_before_the_backwards_and_one_backward_twice():
    cell, params, inputs, state = on_device(*case("elman", 5, 3, 3, 2, 1))
    start = tuple(part.float() for part in state)
    p = Params({k: v.float() for k, v in params.items()})
    given = [(scale * inputs.float()).requires_grad_() for scale in (1, 2)]
    hidden = [engine.unroll(cell, p, x, start, (2,), "triton")[0].square().sum() for x in given]
    late = [torch.autograd.grad(h, x, retain_graph=True)[0] for h, x in zip(hidden, given)]
    again = torch.autograd.grad(hidden[0], given[0])[0]
    at_once = []
    for x in given:
        h, _ = engine.unroll(cell, p, x, start, (2,), "triton")
        at_once.append(torch.autograd.grad(h.square().sum(), x)[0])
    assert torch.equal(again, late[0])
    assert all(torch.equal(a, b) for a, b in zip(late, at_once))
    assert not torch.equal(late[0], late[1])


@pytest.mark.parametrize("backend", [*gpu.BACKENDS] if CUDA else ["triton"])
@pytest.mark.parametrize("name", ["lstm", "gru", "elman"])
@pytest.mark.parametrize("H", [5, 128] if CUDA else [5], ids=lambda H: f"H{H}")
def test_a_replicate_has_the_same_bits_alone_and_among_three(name: str, backend: str, H: int):
    cell, params, inputs, state = case(name, H, 3, 2, 3, 1)
    three = forward_and_gradients(
        *on_device(cell, params, inputs, state), (0, 1), backend, torch.float32
    )
    one = {k: v[1:2] for k, v in params.items()}
    x = {"inputs": inputs[:, 1:2].float(), **{k: v.float() for k, v in one.items()}}
    x = {k: v.to(DEVICE).clone().requires_grad_() for k, v in x.items()}
    start = tuple(part[1:2].float().to(DEVICE) for part in state)
    p = Params({k: v for k, v in x.items() if k != "inputs"})
    hidden, last = engine.unroll(cell, p, x["inputs"], start, (0, 1), backend)
    assert torch.equal(hidden[:, 0], three["hidden"][:, 1])
    loss = (hidden * randn(11, *three["hidden"].shape)[:, 1:2].to(hidden)).sum()
    for i, part in enumerate(last):
        loss = loss + (part * randn(12 + i, *state[i].shape)[1:2].to(part)).sum()
    wanted = [k for k in x if f"d{k}" in three]
    for k, found in zip(wanted, torch.autograd.grad(loss, [x[k] for k in wanted])):
        among = three[f"d{k}"]
        assert torch.equal(found, among[:, 1:2] if k == "inputs" else among[1:2]), k


def test_u_stays_on_the_chip_only_where_it_fits():
    a100, small = 163 * 1024, 99 * 1024
    assert memory.tiles("lstm", 64, 32, "ieee", small).resident
    assert not memory.tiles("lstm", 64, 32, "tf32", small).resident
    assert memory.tiles("lstm", 64, 32, "tf32", a100).resident
    assert memory.tiles("gru", 64, 32, "tf32", small).resident
    assert not memory.tiles("gru", 64, 32, "tf32x3", small).resident
    assert not memory.tiles("lstm", 65, 32, "ieee", a100).resident
    assert memory.tiles("tanh", 128, 32, "bf16", a100).resident


def test_the_weight_gradients_of_many_parts_of_time_add_up(monkeypatch: pytest.MonkeyPatch):
    from lstm_bench.engine.gpu import through_time

    monkeypatch.setattr(through_time, "STEPS", 2)
    assert_equal_to_the_loop(case("elman", 5, 3, 7, 2, 1), (6,))


@pytest.mark.skipif(not CUDA, reason="Triton's interpreter cannot multiply bfloat16")
@pytest.mark.parametrize("limit", [memory.RESIDENT_BYTES, 0], ids=["resident", "wide"])
def test_bf16_rounds_its_factors_and_nothing_else(limit: int, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setattr(memory, "RESIDENT_BYTES", limit)
    given = case("lstm", 17, 3, 3, 1, 2)
    exact = forward_and_gradients(*given, (2,), "loop")
    found = forward_and_gradients(*on_device(*given), (2,), "triton-bf16", torch.float32)
    errors = {name: relative_error(found[name].cpu(), exact[name]) for name in exact}
    assert all(error < 0.02 for error in errors.values()), errors
    assert errors["dU_f"] > 1e-4, "the factors were not rounded"


def test_a_nan_is_passed_on_by_every_cell():
    for name in CELLS:
        cell, params, inputs, state = on_device(*case(name, 5, 3, 2, 1, 1))
        inputs[0, 0, 0, 1] = float("nan")
        p = Params({k: v.float() for k, v in params.items()})
        start = tuple(part.float() for part in state)
        hidden, _ = engine.unroll(cell, p, inputs.float(), start, (1,), "triton")
        assert hidden[0, 0, :, 1].isnan().all(), name
        assert hidden[0, 0, :, [0, 2]].isfinite().all(), name
