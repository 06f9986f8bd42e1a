"""The tasks from files keep the promises of every task, and those of their own."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import numpy as np
import pytest

from lstm_bench import tasks
from lstm_bench.check import tasks as contracts
from lstm_bench.data import register
from lstm_bench.tasks import Task
from lstm_bench.tasks.from_file import FromFile
from lstm_bench.tasks.labelled import Labelled
from lstm_bench.tasks.pairs import Pairs
from lstm_bench.tasks.series import Series
from lstm_bench.tasks.text import Text
from tests.contract import file_contracts
from tests.contract.file_contracts import Example
from tests.contract.files import SERIES, TEXT, WORDS, write_labelled, write_pairs

IN_ORDER = [(Series, SERIES), (Text, TEXT), (Text, WORDS)]
NAMES = ["series", "text", "words"]


@pytest.fixture
def made(tmp_path: Path) -> dict[str, tuple[FromFile, int]]:
    """A task of every kind, and its T."""
    for name, example in zip(NAMES, (SERIES, TEXT, WORDS)):
        example.write(tmp_path / f"{name}{example.name}", np.array([], int))
    write_labelled(tmp_path / "labelled.csv")
    write_pairs(tmp_path / "pairs.tsv")
    options = {"data": register(tmp_path / "labelled.csv"), "group": "person"}
    return {
        "series": (SERIES.task(Series, tmp_path / "series.csv"), 12),
        "text": (TEXT.task(Text, tmp_path / "text.txt"), 12),
        "words": (WORDS.task(Text, tmp_path / "words.txt"), 12),
        "pairs": (Pairs(data=register(tmp_path / "pairs.tsv")), 8),
        "labelled": (Labelled(**options), 6),
        "labelled steps": (Labelled(**options, each="step"), 6),
    }


EVERY = [*NAMES, "pairs", "labelled", "labelled steps"]


def test_tasks_from_files_are_a_class_of_their_own():
    known, measured = tasks.known(), {"series", "text", "labelled", "pairs"}
    assert measured == {n for n, cls in known.items() if cls.measured} & measured
    assert not measured & set(tasks.registry())
    assert not any(cls.measured for cls in tasks.registry().values())


@pytest.mark.parametrize("contract", contracts.OF_FILES, ids=lambda c: c.__name__)
@pytest.mark.parametrize("name", EVERY)
def test_a_task_from_a_file_keeps_the_promises_of_every_task(
    contract: Callable[[Task, int], None], name: str, made: dict[str, tuple[FromFile, int]]
):
    contract(*made[name])


@pytest.mark.parametrize("name", EVERY)
def test_a_task_from_a_file_keeps_its_own(name: str, made: dict[str, tuple[FromFile, int]]):
    task, T = made[name]
    file_contracts.counts_nothing_as_solved(task, T)
    file_contracts.measures_its_chance_loss(task, T)
    contracts.describes_itself(task)


@pytest.mark.parametrize(("cls", "example"), IN_ORDER, ids=NAMES)
@pytest.mark.parametrize(
    "contract",
    [
        file_contracts.fits_nothing_to_held_out_rows,
        file_contracts.reads_no_row_of_another_part,
        file_contracts.leaves_a_gap_between_parts,
        file_contracts.shows_nothing_of_the_future,
    ],
    ids=lambda c: c.__name__,
)
def test_parts_in_the_order_of_time_share_nothing(
    contract: Callable[[type[FromFile], Example, Path], None],
    cls: type[FromFile],
    example: Example,
    tmp_path: Path,
):
    contract(cls, example, tmp_path)


def test_labelled_sequences_are_split_by_group_and_scaled_by_training(tmp_path: Path):
    write_labelled(tmp_path / "x.csv")
    parts_by_group_and_scale(Labelled, tmp_path)


def parts_by_group_and_scale(cls: type[Labelled], folder: Path) -> None:
    """No group is in two parts, and other values of held-out sequences change no training input."""
    write_labelled(folder / "plain.csv")
    task = cls(data=register(folder / "plain.csv"), group="person")
    groups, members = task.sequences.groups, {s: task.members(s) for s in tasks.SPLITS}
    seen = [set(groups[rows]) for rows in members.values()]
    assert sum(map(len, seen)) == len(set.union(*seen)), "a group is in two parts"
    assert sorted(np.concatenate(list(members.values()))) == list(range(120))
    assert all(len(rows) >= 12 for rows in members.values())
    held_out = {f"s{row}": 100.0 for row in [*members["validation"], *members["test"]]}
    write_labelled(folder / "changed.csv", **held_out)
    other = cls(data=register(folder / "changed.csv"), group="person")
    pair = [file_contracts.batches(each, 6, "train") for each in (task, other)]
    assert file_contracts.same(*pair), "training inputs depend on held-out sequences"


def test_pairs_are_split_by_group_or_source_and_fitted_on_training(tmp_path: Path):
    pairs_share_nothing(Pairs, tmp_path)


def pairs_share_nothing(cls: type[Pairs], folder: Path) -> None:
    """No source and no group is in two parts, and held-out pairs decide no training token."""
    write_pairs(folder / "plain.tsv")
    digest = register(folder / "plain.tsv")
    by_source, by_book = cls(data=digest), cls(data=digest, group="book")
    for task, groups in (
        (by_source, np.array(by_source.texts.sources)),
        (by_book, np.arange(150) % 20),
    ):
        parts = [task.members(split) for split in tasks.SPLITS]
        assert sorted(np.concatenate(parts)) == list(range(150))
        assert all(len(rows) >= 12 for rows in parts)
        seen = [set(groups[rows].tolist()) for rows in parts]
        assert sum(map(len, seen)) == len(set.union(*seen)), "a group is in two parts"
    held_out = [*by_book.members("validation"), *by_book.members("test")]
    write_pairs(folder / "changed.tsv", held_out)
    other = cls(data=register(folder / "changed.tsv"), group="book")
    assert (other.inputs, other.outputs) == (by_book.inputs, by_book.outputs), (
        "the classes are read off held-out pairs"
    )
    pair = [file_contracts.batches(each, 12, "train") for each in (by_book, other)]
    assert file_contracts.same(*pair), "training tokens depend on held-out pairs"
    again = [file_contracts.batches(each, 12, "test") for each in (by_book, other)]
    assert not file_contracts.same(*again)
