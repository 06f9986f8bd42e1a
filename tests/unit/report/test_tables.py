from __future__ import annotations

import re

import pandas as pd

from lstm_bench.report.tables import failures, html_table, networks, shown, statuses
from lstm_bench.spec import Condition
from lstm_bench.store.planned import PlannedCondition, PlannedExperiment, PlannedMember
from lstm_bench.store.plans import Plan
from tests.unit.experiments.outcomes import made


def test_whatever_stands_in_a_table_is_escaped() -> None:
    hostile = '<script>alert("x")</script>'
    page = html_table(pd.DataFrame({hostile: [hostile]}))
    assert "<script" not in page
    assert page.count("&lt;script&gt;") == 2


def test_numbers_are_shown_with_four_digits_and_gaps_as_a_dash() -> None:
    assert shown(0.123456) == "0.1235"
    assert shown(1234567.0) == "1,234,567"
    assert shown(float("nan")) == "–"
    assert shown(float("inf")) == "∞"
    assert shown(True) == "yes"


def _replicates() -> pd.DataFrame:
    rows = [("solved", ""), ("unsolved", "futile"), ("diverged", "not finite"), ("error", "killed")]
    return pd.DataFrame(
        [
            {
                "task": "adding", "T": 10, "cell": "lstm", "seed": seed, "status": status,
                "reason": reason, "updates": 5, "condition": "c",
            }
            for seed, (status, reason) in enumerate(rows)
        ]
    )  # fmt: skip


def test_every_way_to_end_is_counted() -> None:
    page = statuses(_replicates())
    for end in ("solved", "unsolved (futile)", "diverged", "error"):
        assert f"<th>{end}</th>" in page


def test_failures_are_listed_with_their_reason_and_the_rest_is_not() -> None:
    page = failures(_replicates())
    assert page is not None
    assert "not finite" in page
    assert "killed" in page
    assert "futile" not in page
    assert failures(_replicates().query("status == 'solved'")) is None


def test_every_cell_has_a_row_with_its_network_and_what_it_is_on_each_task() -> None:
    def condition(width: int, **network: object) -> PlannedCondition:
        spec = Condition("adding", 9, "lstm", width, network=network)
        return PlannedCondition(spec, parameters=1234, state_size=7)

    members = tuple(
        PlannedMember(task, cell, f"{cell} {task}")
        for task in ("adding", "copy")
        for cell in ("lstm", "deep")
    )
    plan = Plan(
        {"experiments": ["horizon"]},
        experiments={"horizon": PlannedExperiment(members)},
        conditions={
            "lstm adding": condition(47),
            "lstm copy": condition(45),
            "deep adding": condition(30, layers=2, bidirectional=True),
            "deep copy": condition(29, layers=2, bidirectional=True),
        },
    )
    page = networks(plan)
    assert page.count("<tr>") == 3
    for told in ("width 47, state 7", "width 29", "1,234", "layers = 2, bidirectional"):
        assert told in page


def test_an_arm_of_another_width_has_a_row_of_its_own(tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    plan = made("horizon", "fairness", "overfitting")
    text = str(networks(plan))
    rows = dict(re.findall(r"<td[^>]*>(elman[^<]*)</td>.*?width (\d+)", text))
    assert rows["elman"] == "4"  # the sweep's, whatever an experiment matches
    assert {"elman (matched: parameters)", "elman (comparison: equal parameters)"} <= set(rows)
