"""Each contract notices a seeded violation: a test that cannot fail proves nothing.

The violating classes inherit the name of the class they damage: only a class with a `name` of its
own joins a registry.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
import pytest

from lstm_bench import tasks
from lstm_bench.check import tasks as contracts
from lstm_bench.check.promises import Broken
from lstm_bench.tasks.adding import Adding
from lstm_bench.tasks.adding_1997 import Adding1997
from lstm_bench.tasks.base import Batch
from lstm_bench.tasks.copy import Copy
from lstm_bench.tasks.counting import AnBn
from lstm_bench.tasks.embedded_reber import EmbeddedReber
from lstm_bench.tasks.flip_flop import FlipFlop
from lstm_bench.tasks.group_word import GroupWord
from lstm_bench.tasks.state_tracking import Parity, StateTracking
from lstm_bench.tasks.two_sequence import TwoSequence


@dataclass(frozen=True)
class ReadsTheGlobalGenerator(Adding):
    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        drawn = super().sample(rng, batch, T)
        return drawn._replace(inputs=drawn.inputs + np.float32(np.random.rand()))  # noqa: NPY002


@dataclass(frozen=True)
class ReadsTheOperatingSystem(Adding):
    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        return super().sample(np.random.default_rng(), batch, T)


@dataclass(frozen=True)
class IgnoresItsGenerator(Adding):
    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        return super().sample(np.random.default_rng(0), batch, T)


@dataclass(frozen=True)
class CopiesTheMisprint(Adding):
    def chance_loss(self, T: int) -> float:
        return 0.1767


@dataclass(frozen=True)
class DrawsInDoublePrecision(Adding):
    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        drawn = super().sample(rng, batch, T)
        return drawn._replace(inputs=drawn.inputs.astype(np.float64))


@dataclass(frozen=True)
class AsksAtRandomSteps(Adding):
    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        drawn = super().sample(rng, batch, T)
        return drawn._replace(mask=rng.permuted(drawn.mask, axis=1))


@dataclass(frozen=True)
class GuessesFromTheInput(Adding):
    def memoryless(self, batch: Batch) -> np.ndarray:
        return batch.inputs[..., :1] + np.float32(0.5)


@dataclass(frozen=True)
class GuessesFromTheTargets(Adding):
    def memoryless(self, batch: Batch) -> np.ndarray:
        return batch.targets * np.float32(0.5)


@dataclass(frozen=True)
class ForgetsTheLastMark(Copy):
    def relevance(self, batch: Batch) -> np.ndarray:
        relevant = super().relevance(batch)
        relevant[:, self.length - 1] = False
        return relevant


@dataclass(frozen=True)
class ReadsRelevanceOffTheTargets(Copy):
    def relevance(self, batch: Batch) -> np.ndarray:
        return super().relevance(batch) | (batch.targets < self.symbols)


@dataclass(frozen=True)
class ScoresEveryStep(Copy):
    """The mistake of averaging over all T + 20 steps: a memoryless network looks solved."""

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((outputs.argmax(axis=-1) == batch.targets).mean())


@dataclass(frozen=True)
class GuessesFromTheMask(AnBn):
    """Where a string is asked tells its length, and so every symbol."""

    def memoryless(self, batch: Batch) -> np.ndarray:
        n = (batch.mask.sum(axis=1, keepdims=True) - 1) / 2
        t = np.arange(batch.mask.shape[1])
        return np.eye(3, dtype=np.float32)[np.minimum(t // n, 2).astype(int)]


@dataclass(frozen=True)
class ForgetsTheClock(GroupWord):
    """Consistent, but not the best: products of few generators are not all alike."""

    alphabet: str = "generators"

    def memoryless(self, batch: Batch) -> np.ndarray:
        return StateTracking.memoryless(self, batch)

    def chance_loss(self, T: int) -> float:
        return StateTracking.chance_loss(self, T)


@dataclass(frozen=True)
class GuessesTooLow(Adding):
    def memoryless(self, batch: Batch) -> np.ndarray:
        return np.full_like(batch.targets, 0.9)

    def chance_loss(self, T: int) -> float:
        return 1 / 6 + 0.1**2


@dataclass(frozen=True)
class ScoresWhatIsNotAsked(FlipFlop):
    variant: str = "instructions"

    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float(((outputs > 0) == (batch.targets > 0)).mean())


@dataclass(frozen=True)
class PeeksOutOfTheWindow(Parity):
    def window(self, batch: Batch, k: int) -> np.ndarray:
        return super().window(batch, k + 1)


@dataclass(frozen=True)
class SeesNothingThroughTheWindow(Parity):
    def window(self, batch: Batch, k: int) -> np.ndarray:
        return self.memoryless(batch)


@dataclass(frozen=True)
class IsMisledByTheWindow(Parity):
    def window(self, batch: Batch, k: int) -> np.ndarray:
        complete = k == batch.inputs.shape[1]
        return super().window(batch, k) if complete else -super().window(batch, k)


@dataclass(frozen=True)
class SaysItsCeilingIsZero(AnBn):
    def optimal_loss(self, T: int) -> float:
        return 0.0


@dataclass(frozen=True)
class AcceptsAnyLength(Adding):
    def require(self, T: int) -> None:
        return None


@dataclass(frozen=True)
class SaysNothing(Adding):
    """A task."""


@dataclass(frozen=True)
class DatesTheFloor(Adding):
    def milestones(self, T: int) -> dict[str, float]:
        return {"never": 1.0}


@dataclass(frozen=True)
class SplitsByTheOperatingSystem(Adding):
    def sample_split(self, rng: np.random.Generator, batch: int, T: int, split: str) -> Batch:
        return self.sample(np.random.default_rng(), batch, T)


@dataclass(frozen=True)
class LosesSequencesInASplit(Adding):
    def sample_split(self, rng: np.random.Generator, batch: int, T: int, split: str) -> Batch:
        return self.sample(rng, batch - 1, T)


@dataclass(frozen=True)
class GuessesFromWhatIsLegal(EmbeddedReber):
    def memoryless(self, batch: Batch) -> np.ndarray:
        assert batch.legal is not None
        return batch.legal.astype(np.float32)


@dataclass(frozen=True)
class GuessesFromTheCleanTargets(TwoSequence):
    def memoryless(self, batch: Batch) -> np.ndarray:
        assert batch.clean is not None
        return batch.clean


@dataclass(frozen=True)
class NamesNoCleanDtype(TwoSequence):
    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        drawn = super().sample(rng, batch, T)
        assert drawn.clean is not None
        return drawn._replace(clean=drawn.clean.astype(np.float64))


@dataclass(frozen=True)
class GoesOnAfterTheEnd(Adding1997):
    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        drawn = super().sample(rng, batch, T)
        return drawn._replace(inputs=drawn.inputs + np.float32(0.1))


@dataclass(frozen=True)
class ScoresThePadding(Adding1997):
    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        return float((np.abs(outputs - batch.targets) < 0.04).mean())


@dataclass(frozen=True)
class SeesOneStepMore(Adding1997):
    def window(self, batch: Batch, k: int) -> np.ndarray:
        return super().window(batch, k + 1)


@dataclass(frozen=True)
class LooksAtTheTargets(Adding1997):
    def window(self, batch: Batch, k: int) -> np.ndarray:
        return self.perfect(batch)


@dataclass(frozen=True)
class SeesNothing(Adding1997):
    def window(self, batch: Batch, k: int) -> np.ndarray:
        return self.memoryless(batch)


@dataclass(frozen=True)
class GuessesBadly(Adding1997):
    def window(self, batch: Batch, k: int) -> np.ndarray:
        return super().window(batch, k) + np.float32(0.5 * (k == 1))


@pytest.mark.parametrize(
    ("contract", "task"),
    [
        (contracts.depends_on_its_generator_alone, ReadsTheGlobalGenerator()),
        (contracts.depends_on_its_generator_alone, ReadsTheOperatingSystem()),
        (contracts.differs_between_seeds, IgnoresItsGenerator()),
        (contracts.simulates_its_floor, CopiesTheMisprint()),
        (contracts.has_the_documented_shapes, DrawsInDoublePrecision()),
        (contracts.asks_where_it_says, AsksAtRandomSteps()),
        (contracts.memoryless_looks_at_no_input, GuessesFromTheInput()),
        (contracts.memoryless_looks_at_no_input, GuessesFromTheTargets()),
        (contracts.memoryless_looks_at_no_input, GuessesFromTheMask()),
        (contracts.is_beaten_by_no_clock, ForgetsTheClock()),
        (contracts.is_beaten_by_no_clock, GuessesTooLow()),
        (contracts.simulates_its_ceiling, SaysItsCeilingIsZero()),
        (contracts.rewards_the_perfect_answer_alone, ScoresEveryStep()),
        (contracts.depends_on_its_generator_alone, SplitsByTheOperatingSystem()),
        (contracts.depends_on_its_generator_alone, LosesSequencesInASplit()),
        (contracts.memoryless_looks_at_no_input, GuessesFromWhatIsLegal()),
        (contracts.memoryless_looks_at_no_input, GuessesFromTheCleanTargets(target_noise=True)),
        (contracts.has_the_documented_shapes, NamesNoCleanDtype(target_noise=True)),
        (contracts.pads_with_zeros, GoesOnAfterTheEnd()),
        (contracts.scores_what_is_asked_alone, ScoresThePadding()),
        (contracts.forgets_what_left_its_window, SeesOneStepMore()),
        (contracts.forgets_what_left_its_window, LooksAtTheTargets()),
        (contracts.opens_its_window_from_floor_to_ceiling, SeesNothing()),
        (contracts.opens_its_window_from_floor_to_ceiling, GuessesBadly()),
        (contracts.scores_what_is_asked_alone, ScoresWhatIsNotAsked()),
        (contracts.forgets_what_left_its_window, PeeksOutOfTheWindow()),
        (contracts.opens_its_window_from_floor_to_ceiling, SeesNothingThroughTheWindow()),
        (contracts.opens_its_window_from_floor_to_ceiling, IsMisledByTheWindow()),
        (contracts.dates_milestones_between_ceiling_and_floor, DatesTheFloor()),
        (contracts.knows_what_is_relevant_from_its_inputs, ForgetsTheLastMark(length=2, symbols=2)),
        (contracts.knows_what_is_relevant_from_its_inputs, ReadsRelevanceOffTheTargets()),
    ],
    ids=lambda x: x.__name__ if callable(x) else type(x).__name__,
)
def test_a_task_contract_notices_the_violation(contract, task):
    T = 1000 if isinstance(task, Copy) else 20
    with pytest.raises(AssertionError):
        contract(task, T)


def test_the_contract_on_lengths_notices_a_task_that_accepts_any():
    with pytest.raises(Broken, match=r"takes T=-?\d+; its shortest is"):
        contracts.refuses_lengths_too_short(AcceptsAnyLength())


def test_the_contract_on_docstrings_notices_an_empty_one():
    with pytest.raises(AssertionError, match="draws no example"):
        contracts.describes_itself(SaysNothing())


def test_the_violations_have_not_joined_the_registry():
    assert tasks.registry()["adding"] is Adding
    assert tasks.registry()["copy"] is Copy
    assert tasks.registry()["adding_1997"] is Adding1997
