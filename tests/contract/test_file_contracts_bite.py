"""A planted leak of each kind turns a contract red."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pytest

from lstm_bench.data.tokens import Tokens
from lstm_bench.tasks import Batch
from lstm_bench.tasks.from_file import FromFile, spans
from lstm_bench.tasks.labelled import Labelled
from lstm_bench.tasks.pairs import Pairs
from lstm_bench.tasks.series import Scaled, Series, _raw
from lstm_bench.tasks.text import Text
from tests.contract import file_contracts
from tests.contract.file_contracts import Example
from tests.contract.files import SERIES, TEXT, WORDS
from tests.contract.test_files import pairs_share_nothing, parts_by_group_and_scale


@dataclass(frozen=True)
class ScalesOnAllRows(Series):
    @property
    def scaled(self) -> Scaled:
        inputs, target, observed, segment = _raw(self)
        values = ((inputs - inputs.mean(0)) / inputs.std(0)).astype(np.float32)
        goal = ((target - target.mean()) / target.std()).astype(np.float32)
        return Scaled(values, goal, observed, segment)


@dataclass(frozen=True)
class CrossesTheSplit(Series):
    def ends(self, T: int, split: str) -> np.ndarray:
        low, high = spans(len(self.scaled.target), 0)[split]
        return np.arange(max(low, T - 1), high - self.horizon)


@dataclass(frozen=True)
class LeavesNoGap(Series):
    def ends(self, T: int, split: str) -> np.ndarray:
        low, high = spans(len(self.scaled.target), 0)[split]
        return np.arange(low + T - 1, high - self.horizon)


@dataclass(frozen=True)
class ShowsTheFuture(Series):
    def take(self, T: int, split: str, places: np.ndarray) -> Batch:
        batch = super().take(T, split, places)
        tomorrow = self.scaled.inputs[self.ends(T, split)[places] + 1]
        inputs = batch.inputs.copy()
        inputs[:, -1, 1] = tomorrow[:, 1]  # a column one row early
        return batch._replace(inputs=inputs)


@dataclass(frozen=True)
class VocabularyOfAll(Text):
    @property
    def tokens(self) -> Tokens:
        text = self.path.read_text(encoding="utf-8")
        characters, codes = np.unique(list(text), return_inverse=True)
        return Tokens(codes, characters.tolist())


@dataclass(frozen=True)
class CutsNothing(Text):
    def starts(self, T: int, split: str) -> np.ndarray:
        low, high = spans(len(self.tokens.codes), 0)[split]
        return np.arange(low, min(high + T, len(self.tokens.codes) - T))


@dataclass(frozen=True)
class SplitsAGroup(Labelled):
    def members(self, split: str) -> np.ndarray:
        cut = {"train": (0, 84), "validation": (84, 102), "test": (102, 120)}[split]
        return np.arange(*cut)


@dataclass(frozen=True)
class ScalesOnAllSequences(Labelled):
    def take(self, T: int, split: str, places: np.ndarray) -> Batch:
        inputs = self.sequences.inputs
        scaled = ((inputs - inputs.mean((0, 1))) / inputs.std((0, 1))).astype(np.float32)
        rows = self.members(split)[places]
        return super().take(T, split, places)._replace(inputs=scaled[rows])


@dataclass(frozen=True)
class SplitsASource(Pairs):
    def members(self, split: str) -> np.ndarray:
        cut = {"train": (0, 105), "validation": (105, 128), "test": (128, 150)}[split]
        return np.arange(*cut)


@dataclass(frozen=True)
class LearnsTokensOfAllPairs(Pairs):
    @property
    def outputs(self) -> int:
        return len(set("".join(self.texts.targets))) + 2


@pytest.mark.parametrize(
    ("contract", "cls", "example", "said"),
    [
        (file_contracts.fits_nothing_to_held_out_rows, ScalesOnAllRows, SERIES, "depend on held"),
        (file_contracts.reads_no_row_of_another_part, CrossesTheSplit, SERIES, "reach into"),
        (file_contracts.leaves_a_gap_between_parts, LeavesNoGap, SERIES, "no gap"),
        (file_contracts.shows_nothing_of_the_future, ShowsTheFuture, SERIES, "comes after"),
        (file_contracts.fits_nothing_to_held_out_rows, VocabularyOfAll, TEXT, "held-out rows"),
        (file_contracts.reads_no_row_of_another_part, CutsNothing, WORDS, "reach into"),
    ],
)
def test_a_planted_leak_is_noticed(
    contract: Callable[[type[FromFile], Example, Path], None],
    cls: type[FromFile],
    example: Example,
    said: str,
    tmp_path: Path,
):
    with pytest.raises(AssertionError, match=said):
        contract(cls, example, tmp_path)


@pytest.mark.parametrize(
    ("cls", "said"), [(SplitsAGroup, "two parts"), (ScalesOnAllSequences, "held-out sequences")]
)
def test_a_leak_between_sequences_is_noticed(cls: type[Labelled], said: str, tmp_path: Path):
    with pytest.raises(AssertionError, match=said):
        parts_by_group_and_scale(cls, tmp_path)


@pytest.mark.parametrize(
    ("cls", "said"), [(SplitsASource, "two parts"), (LearnsTokensOfAllPairs, "held-out pairs")]
)
def test_a_leak_between_pairs_is_noticed(cls: type[Pairs], said: str, tmp_path: Path):
    with pytest.raises(AssertionError, match=said):
        pairs_share_nothing(cls, tmp_path)
