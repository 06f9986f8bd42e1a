"""The memory card of a cell, whatever became of its replicates."""

from __future__ import annotations

import re
from html import unescape
from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.report.card.page import write_card
from lstm_bench.store.files import write_json
from lstm_bench.store.paths import CARD_PLAN, Results, card_name
from tests.unit.experiments.outcomes import ENDS, SMALL, made, store

ASKED = (
    *("horizon", "training_time", "gradient_flow"),
    *("selective_memory", "extrapolation", "cost"),
)
CHANGES = {
    "tasks": ["adding", "parity"],
    "cells": ["mgu", "lstm", "elman"],
    "width": {"match": "parameters", "budget": 150, "within": 0.2},
    "extrapolation": {**SMALL["extrapolation"], "tasks": ["adding", "parity"]},
    "gradient_flow": {"batch": 4},
    "cost": {"lengths": [5, 10], "widths": [4], "length": 5, "samples": 3},
}


@pytest.fixture(autouse=True)
def _in_a_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)


def card(end: str, asked: tuple[str, ...] = ASKED[:2]) -> tuple[Path, str]:
    plan = made(*asked, **CHANGES)
    store(plan, list(asked), ENDS[end])
    page = write_card(plan, Results())
    return page.parent, unescape(page.read_text(encoding="utf-8"))


def test_a_card_has_a_panel_a_sentence_and_a_table_of_every_part():
    folder, page = card("as usual", ASKED)
    assert folder == Path("results/cards/mgu")
    assert (folder / "card.png").read_bytes().startswith(b"\x89PNG")
    sentences = re.findall(r"<li><b>(.*?)</b>(.*?)</li>", page, re.S)
    assert len(sentences) == len(re.findall("<details><summary>.*?</summary><div", page)) == 9
    points = pd.read_csv(folder / "card.csv")
    assert points.panel.nunique() == 9
    assert set(points.series) == {"mgu", "lstm", "elman"}
    assert "adding: mgu unknown, lstm unknown, elman unknown" in sentences[0][1]  # of 3 seeds
    # as outcomes.as_usual has it
    assert "parity: mgu" in sentences[0][1]
    assert "mgu 2 of 3 [0.21, 0.94] at T = 12, lstm 3 of 3 [0.44, 1.00] at T = 12" in page
    diverged = sentences[-1][1]
    assert "mgu 0 of" in diverged
    assert "No claim" not in page
    assert "judges no claim" in page


def test_the_page_loads_nothing_and_a_second_one_is_the_same():
    folder, page = card("as usual")
    assert not re.findall(r"(?:src|href)=\"https?:", page)
    assert "default-src 'none'" in page
    before = (folder / "card.png").read_bytes()
    again, text = card("as usual")
    assert (again / "card.png").read_bytes() == before
    assert text == page


@pytest.mark.parametrize("end", ["error", "diverged", "unsolved", "anything", "one cell errors"])
def test_whatever_became_of_the_replicates_there_is_a_card(end: str):
    folder, page = card(end, ASKED[:5])
    assert (folder / "card.png").exists()
    assert not re.search(r"\bnan\b", re.sub(r"base64,[^\"]*", "", page), re.I)
    if end == "error":
        assert "No replicate could be judged" in page
    if end == "diverged":
        assert re.search(r"mgu (\d+) of \1 ", page)


def test_the_tables_of_another_sweep_stay_as_they_are():
    folder = Results().experiment("horizon")
    folder.mkdir(parents=True)
    (folder / "table.csv").write_text("of a study", encoding="utf-8")
    write_json(Results().card("mgu") / CARD_PLAN, {"not_tried": ["The task S3."]})
    _, page = card("solved")
    assert (folder / "table.csv").read_text(encoding="utf-8") == "of a study"
    assert "The task S3." in page
    assert "Sequences longer than T = 12" in page


def test_a_label_becomes_a_folder_that_no_other_label_has():
    assert card_name("mgu") == "mgu"
    names = ["lstm (b_f = 5)", "lstm (b_f = 3)", "my_pkg.models:MyCell", "a/../b", "ü"]
    made_of = [card_name(name) for name in names]
    assert len(set(made_of)) == len(names)
    assert all(re.fullmatch(r"[a-z0-9_]+", each) for each in made_of)
