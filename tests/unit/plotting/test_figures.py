"""Default figures of few and of many tasks and cells, measured: no word is cut off or covered."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import matplotlib.pyplot as plt
import pytest

from lstm_bench.experiments.run import conclude, draw
from lstm_bench.plotting import style
from lstm_bench.store.paths import Results
from tests.unit.experiments.outcomes import ENDS, SMALL, everything, made, sized, store
from tests.unit.plotting.measure import faults, words


def faults_of(name: str, tasks: int, cells: int) -> list[str]:
    """Those of the figure of an experiment with so many tasks and cells, in the present folder."""
    return seen(name, **sized(tasks, cells))[0]


def seen(name: str, end: str = "as usual", **changes: Any) -> tuple[list[str], list[str]]:
    """Faults and words of the figure of an experiment of which every replicate ended so."""
    found: list[str] = []
    told: list[str] = []

    def measured(figure: Any, kind: str) -> bytes:
        found.extend(faults(figure))
        told.extend(" ".join(text.get_text().split()) for _, text in words(figure))
        return b""

    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(style, "KINDS", ("svg",))
        patch.setattr(style, "figure_bytes", measured)
        plan = made(name, **changes)
        store(plan, [name], ENDS[end])
        conclude(plan, name, Results())
        draw(plan, name, Results())
    return found, told


@pytest.mark.parametrize("name", [name for name in everything() if name != "speed"])
def test_every_word_of_a_figure_is_whole_and_apart(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """The corner: one task, eight cells. `make faults` draws them all."""
    monkeypatch.chdir(tmp_path)
    assert faults_of(name, 1, 8) == []


@pytest.mark.parametrize("tasks", [1, 2, 3])
def test_one_variant_beside_its_baseline_has_room(
    tasks: int, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    own = [{"task": task, "lengths": [10]} for task in ("adding", "temporal_order", "copy")]
    section = {**SMALL["ablation"], "tasks": own[:tasks], "variants": ["lstm_nig"]}
    found, told = seen("ablation", ablation=section)
    assert found == []
    assert {"peephole LSTM", "no input gate"} <= set(told)


@pytest.mark.parametrize(
    ("name", "sentence"),
    [
        ("horizon", "no replicate reached a second evaluation"),
        ("extrapolation", "no replicate has a score"),
    ],
)
def test_a_panel_with_nothing_to_draw_says_so(
    name: str, sentence: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    section = {**SMALL["extrapolation"], "tasks": ["adding"]}
    change = {"tasks": ["adding"], "lengths": [10], "extrapolation": section}
    found, told = seen(name, "diverged", **change)
    assert found == []
    assert told.count(sentence) == 1
    assert sentence not in seen(name, "unsolved", **change)[1]


def test_the_measure_finds_what_is_cut_off_or_covered() -> None:
    figure, axes = plt.subplots(figsize=(3.5, 2))
    axes.plot([1, 2], [1, 2], label="a cell with a name")
    axes.set_xticks([1, 1.01], ["first", "second"])
    handles, labels = axes.get_legend_handles_labels()
    figure.legend(handles * 3, labels * 3, ncols=6)
    told = "\n".join(dict.fromkeys(faults(figure)))
    plt.close(figure)
    assert "'a cell with a name' leaves the figure" in told
    assert "tick x of panel 0 'first' lies on tick x of panel 0 'second'" in told
