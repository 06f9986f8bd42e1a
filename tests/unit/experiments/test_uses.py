"""What `uses` trains, what a share learnt is, and what it is compared with."""

from __future__ import annotations

import json
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench.claims.run import judge
from lstm_bench.experiments.known_answers import present_loss, share_learnt, window_loss
from lstm_bench.experiments.uses import UsesSettings, ahead, finding, per_replicate
from lstm_bench.spec import Condition
from lstm_bench.store.paths import Results
from lstm_bench.tasks import create
from tests.unit.experiments.outcomes import as_usual, made, store

GRAMMAR = Condition("char_grammar", 40, "lstm")
SINES = Condition("sine_mix", 40, "lstm")
GLASS = Condition("mackey_glass", 60, "lstm")


def test_every_rival_has_the_parameters_of_the_first_cell(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = made("uses", width=32, cells=["lstm", "gru", "elman"], uses={})
    members = pd.DataFrame(
        {**vars(m), **m.factors, "parameters": plan.conditions[m.condition].parameters}
        for m in plan.experiments["uses"].members
    )
    first = members[members.cell == "lstm"].set_index("task").parameters
    ratio = members.parameters / members.task.map(first)
    assert abs(ratio - 1).max() < 0.03
    assert plan.conditions[members[members.cell == "lstm"].condition.iloc[0]].spec.width == 32
    cells = members.groupby("task").cell.agg(set)
    windows = {"window of 20"}
    assert cells["translation"] == {"lstm", "gru", "elman", *windows}
    assert cells["short translation"] == {"lstm", *windows}
    training = plan.conditions[members.condition.iloc[0]].spec.training
    assert (training.updates, training.stop, training.keep) == (1000, "budget", "best")


def test_the_share_learnt_is_0_without_input_and_1_where_only_noise_is_left() -> None:
    task = create("char_grammar")
    assert task.optimal_loss(40) > 1  # the next word is random
    assert share_learnt(GRAMMAR, task.chance_loss(40)) == 0
    assert share_learnt(GRAMMAR, task.optimal_loss(40)) == 1


def test_the_present_input_tells_what_it_tells() -> None:
    """Of a sum of sines of unknown frequencies nothing; of a smooth series more than a line can."""
    assert share_learnt(SINES, present_loss(SINES)) == pytest.approx(0, abs=0.02)
    assert present_loss(GRAMMAR) == window_loss(GRAMMAR, 1)
    linear = share_learnt(GLASS, window_loss(GLASS, 1))
    assert linear + 0.1 < share_learnt(GLASS, present_loss(GLASS)) < 0.35
    assert present_loss(Condition("adding", 10, "lstm")) <= create("adding").chance_loss(10) * 1.05


def runs(**losses: list[Any]) -> tuple[pd.DataFrame, Any]:
    """Of sine_mix, where the share learnt is one less the loss; a list of losses by cell."""
    rows = [
        {
            **{"task": "sine_mix", "T": 40, "cell": cell, "seed": seed, "condition": "id"},
            "window": int(cell[1:]) if cell[0] == "w" else 0,
            "test_loss": np.nan if isinstance(loss, str) else loss,
            "best_validation_loss": 0.75,
            "status": loss if isinstance(loss, str) else "unsolved",
            "judged": loss != "error",
            "solved": loss == 0.1,
        }
        for cell, each in losses.items()
        for seed, loss in enumerate(each)
    ]
    return pd.DataFrame(rows), SimpleNamespace(plan={"id": SimpleNamespace(spec=SINES)})


def test_the_best_window_is_taken_seed_by_seed_and_a_diverged_replicate_counts() -> None:
    found = per_replicate(
        *runs(
            lstm=[0.1, 0.2, "diverged", "timeout", "error"],
            w10=[0.5, 0.4, 0.3, 0.3, 0.3],
            w20=[0.3, 0.6, "error", 0.3, 0.3],
        )
    )
    lstm = found[found.cell == "lstm"].set_index("seed")
    assert list(lstm.index) == [0, 1, 2]
    assert lstm.share.tolist() == pytest.approx([0.9, 0.8, 0.25])
    assert lstm.over_window.tolist() == pytest.approx([0.2, 0.2, -0.45])
    assert lstm.over_present.tolist() == pytest.approx(lstm.share.tolist(), abs=0.02)
    assert found[found.window > 0].over_window.isna().all()


def test_ahead_is_a_whole_interval_beyond_the_margin() -> None:
    gaps = {
        "a": {"elman": (0.2, 0.1), "window": (0.2, 0.04), "present": (1.0, 1.0)},
        "b": {"elman": (0.2, 0.01), "window": (0.5, 0.4), "present": (1.0, 1.0)},
    }
    rows = pd.DataFrame(
        {
            **{"task": task, "cell": "lstm"},
            **{name: mean for name, (mean, _) in of.items()},
            **{f"{name}_low": low for name, (_, low) in of.items()},
        }
        for task, of in gaps.items()
    )
    assert ahead(rows) == {"elman": ["a"], "window": ["b"], "present": ["a", "b"]}
    assert finding(rows, "lstm", []) == (
        "On 2 uses lstm learns more by 0.05 than the Elman network on 1, than the window on 1, "
        "than the present input on 2"
    )
    assert "than the Elman network on 0" in finding(rows, "lstm", ["a"])


def test_a_window_sees_the_whole_of_the_short_sentences_and_never_the_noun_of_the_long() -> None:
    """The control by construction, and the failure by construction."""
    settings = UsesSettings()
    long, short = settings.tasks[1], settings.controls[1]
    assert long.name == short.name == "translation"
    assert max(settings.windows) <= settings.lengths[0] + 2
    assert min(settings.windows) >= short.lengths[0] + 7
    loss = window_loss(Condition("translation", short.lengths[0], "lstm"), min(settings.windows))
    assert loss == pytest.approx(0)


def test_the_five_uses_have_a_vote_and_the_controls_have_none(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    claims = ["uses_elman", "uses_window", "uses_memory"]
    plan = made(
        "uses", cells=["lstm", "elman"], uses={"updates": 20}, claims=claims, first_seed=10_000
    )
    store(plan, ["uses"], as_usual)
    verdicts = json.loads((judge(plan, Results()) / "verdicts.json").read_text(encoding="utf-8"))
    assert verdicts["families"] == {"uses": 3}
    uses = ["char_grammar", "translation", "mackey_glass", "sine_mix", "narma10"]
    for claim in verdicts["claims"]:
        assert [vote["task"] for vote in claim["by_task"]] == uses
        assert claim["quote"].startswith("LSTMs are particularly effective")
