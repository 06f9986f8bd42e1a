"""`make faults` alone: every experiment, whatever became of its replicates and however small."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from lstm_bench.experiments.run import conclude, create, draw, read_csv
from lstm_bench.store.paths import EXPERIMENT_FIGURES, Results
from tests.unit.experiments.outcomes import ENDS, NARROW, answer, everything, made, store
from tests.unit.plotting.test_figures import faults_of

DRAWN = [name for name in everything() if name != "speed"]


@pytest.mark.parametrize("narrow", ["whole", *NARROW])
@pytest.mark.parametrize("end", list(ENDS))
@pytest.mark.parametrize("name", DRAWN)
def test_it_is_concluded_and_drawn(
    name: str, end: str, narrow: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    change: dict[str, Any] = NARROW.get(narrow, {})
    plan = made(name, **change)
    store(plan, [name], ENDS[end])
    folder = conclude(plan, name, Results())
    draw(plan, name, Results())
    assert answer(folder).endswith(".")
    assert all((folder / file).stat().st_size for file in EXPERIMENT_FIGURES)
    summary = read_csv(folder / "summary.csv")
    if len(summary):
        assert len(create(name).display(summary))


@pytest.mark.parametrize("cells", [1, 2, 4, 8, 12])
@pytest.mark.parametrize("tasks", [1, 2, 3])
@pytest.mark.parametrize("name", DRAWN)
def test_every_word_of_its_figure_is_whole_and_apart(
    name: str, tasks: int, cells: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    assert faults_of(name, tasks, cells) == []
