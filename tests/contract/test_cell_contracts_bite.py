"""Each contract on cells notices a seeded violation; see `test_contracts_bite.py`."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest
import torch
from torch import Tensor

from lstm_bench import cells
from lstm_bench.cells.base import Params, State
from lstm_bench.cells.control import RandomReservoir
from lstm_bench.cells.elman import IRNN, Elman
from lstm_bench.cells.gru import GRU
from lstm_bench.check import cells as contracts
from lstm_bench.check.promises import Broken


@dataclass(frozen=True)
class ReadsTheGlobalGenerator(Elman):
    def init(self, rng, inputs, width, outputs) -> dict[str, np.ndarray]:
        drawn = super().init(rng, inputs, width, outputs)
        return {**drawn, "b": torch.rand(width).double().numpy()}


@dataclass(frozen=True)
class IgnoresItsGenerator(Elman):
    def init(self, rng, inputs, width, outputs) -> dict[str, np.ndarray]:
        return super().init(np.random.default_rng(0), inputs, width, outputs)


@dataclass(frozen=True)
class MiscountsItsParameters(Elman):
    def parameters(self, inputs: int, width: int, outputs: int) -> int:
        return width * (inputs + width + 2)


@dataclass(frozen=True)
class MiscountsItsOperations(Elman):
    def flops(self, inputs: int, width: int, outputs: int) -> int:
        return 2 * width * width


@dataclass(frozen=True)
class PeeksAtTheNextInput(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        ahead = x.storage_offset() + x.numel()
        if ahead + x.numel() > x.untyped_storage().nbytes() // x.element_size():
            ahead = x.storage_offset()
        return super().step(p, x + torch.as_strided(x, x.shape, x.stride(), ahead), state)


@dataclass(frozen=True)
class NormalisesOverTheBatch(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = super().step(p, x, state)
        return (h - h.mean(dim=2, keepdim=True),)


@dataclass(frozen=True)
class SharesABiasBetweenReplicates(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = super().step(p, x, state)
        return (h + p.b.mean(dim=0),)


@dataclass(frozen=True)
class DropsAGradient(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        return super().step(p, x, tuple(part.detach() for part in state))


@dataclass(frozen=True)
class Explodes(IRNN):
    def init(self, rng, inputs, width, outputs) -> dict[str, np.ndarray]:
        return {**super().init(rng, inputs, width, outputs), "U": 1.1 * np.eye(width)}


@dataclass(frozen=True)
class ForgetsTheSigmoid(GRU):
    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        return {**super().gates(p, x, state), "z": torch.tanh(p.W_z @ x)}


@dataclass(frozen=True)
class TrainsAUntrainedWeight(Elman):
    untrained = ("U",)


@dataclass(frozen=True)
class CountsAUntrainedWeight(RandomReservoir):
    def parameters(self, inputs: int, width: int, outputs: int) -> int:
        return super().parameters(inputs, width, outputs) + width


@dataclass(frozen=True)
class ForgetsItsState(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        return super().step(p, x, tuple(torch.zeros_like(part) for part in state))


@dataclass(frozen=True)
class DrawsInItsStep(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = super().step(p, x, state)
        return (h + 1e-3 * torch.randn_like(h),)


@dataclass(frozen=True)
class ChangesItsState(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = state
        return super().step(p, x, (h.mul_(0.5),))


@dataclass(frozen=True)
class DependsOnItsCompany(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        (h,) = super().step(p, x, state)
        return (h * (1 + 1e-6 * len(h)),)


@dataclass(frozen=True)
class LosesItsState(Elman):
    def step(self, p: Params, x: Tensor, state: State) -> State:
        return tuple(part[:, :-1] for part in super().step(p, x, state))


@dataclass(frozen=True)
class CitesNothing(Elman):
    citation = ""


@pytest.mark.parametrize(
    ("contract", "cell"),
    [
        (contracts.initialises_from_its_generator_alone, ReadsTheGlobalGenerator()),
        (contracts.initialises_from_its_generator_alone, IgnoresItsGenerator()),
        (contracts.has_the_shapes_it_states, MiscountsItsParameters()),
        (contracts.has_the_shapes_it_states, CountsAUntrainedWeight()),
        (contracts.has_the_gradient_of_its_equations, TrainsAUntrainedWeight()),
        (contracts.has_the_shapes_it_states, MiscountsItsOperations()),
        (contracts.steps_to_a_state_of_the_same_shape, LosesItsState()),
        (contracts.carries_its_state, ForgetsItsState()),
        (contracts.learns_a_lag_of_one, ForgetsItsState()),
        (contracts.repeats_itself, DrawsInItsStep()),
        (contracts.leaves_what_it_is_given, ChangesItsState()),
        (contracts.is_the_same_in_company, DependsOnItsCompany()),
        (contracts.sees_no_future, PeeksAtTheNextInput()),
        (contracts.keeps_sequences_apart, NormalisesOverTheBatch()),
        (contracts.keeps_replicates_apart, SharesABiasBetweenReplicates()),
        (contracts.stays_finite_at_its_initialisation, Explodes()),
        (contracts.describes_itself, CitesNothing()),
    ],
    ids=lambda x: x.__name__ if callable(x) else type(x).__name__,
)
def test_a_cell_contract_notices_the_violation(contract, cell):
    with pytest.raises(AssertionError):
        contract(cell)


def test_the_gradient_contract_notices_a_gradient_that_is_dropped():
    with pytest.raises(Broken, match=r"wrong gradient of [WU]: .* where finite differences give"):
        contracts.has_the_gradient_of_its_equations(DropsAGradient())


def test_the_gate_contract_notices_a_gate_that_turns_negative():
    with pytest.raises(AssertionError, match=r"leaves \(0, 1\)"):
        contracts.has_bounded_gates(ForgetsTheSigmoid(), "rz")


def test_the_gate_contract_notices_a_gate_beyond_a_bound_of_its_own():
    with pytest.raises(AssertionError, match=r"leaves \(-0\.5, 0\.5\)"):
        contracts.has_bounded_gates(GRU(), "rz", {"n": 0.5})


def test_the_violations_have_not_joined_the_registry():
    assert cells.registry()["elman"] is Elman
    assert cells.registry()["gru"] is GRU
