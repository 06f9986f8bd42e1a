"""The explorer in a real browser: what is drawn, and that nothing is let in or out."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any
from urllib.parse import urlencode

import pytest

from lstm_bench.report import explorer
from lstm_bench.report.explorer import write_explorer
from lstm_bench.store.collect import collect
from lstm_bench.store.paths import Results
from lstm_bench.store.plans import Plan
from tests.unit.report.browser import chromium, tab
from tests.unit.report.hostile import HOSTILE
from tests.unit.tracking.fake_results import finish, make_plan


@pytest.fixture(scope="module")
def browser() -> Iterator[Any]:
    with chromium() as started:
        yield started


@pytest.fixture(scope="module")
def pages(tmp_path_factory) -> tuple[Plan, Results, Path]:
    """Three cells on two tasks at two lengths, over several pages."""
    results = Results(tmp_path_factory.mktemp("swept"))
    cells = ("lstm", "irnn", "elman")
    plan = make_plan(results, tasks=("adding", "copy"), cells=cells, lengths=(20, 50))
    finish(results, plan)
    folder = results.root / "results" / "report" / "explorer"
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(explorer, "POINTS", 1000)
        assert len(write_explorer(plan, results, folder)) > 2
    return plan, results, folder


def address(**chosen: Any) -> str:
    return urlencode(chosen)


@pytest.mark.parametrize(("cell", "T"), [("lstm", 20), ("irnn", 50), ("elman", 50)])
def test_a_deep_link_draws_the_stored_numbers(browser, pages, cell, T):
    plan, results, folder = pages
    id = next(i for i, c in plan.conditions.items() if i.startswith(f"copy-T{T}-{cell}-"))
    stored = collect(results, [(id, "seeds-000-004")], "replicates").to_dict("records")
    curves = collect(results, [(id, "seeds-000-004")], "curves")
    with tab(browser) as opened:
        opened.open(folder / "index.html", address(task="copy", cell=cell, T=T))
        opened.page.wait_for_selector("tbody tr")
        assert opened.text("#title") == f"{cell} on copy, T = {T}"
        rows = [row.inner_text().split("\t") for row in opened.page.query_selector_all("tbody tr")]
        ends = [row["status"] + (f" ({row['reason']})" if row["reason"] else "") for row in stored]
        assert [row[:2] for row in rows] == [[str(i), end] for i, end in enumerate(ends)]
        assert [row[2] for row in rows] == [f"{row['updates']:,}" for row in stored]
        groups = opened.page.query_selector_all("#charts svg:first-child g.run")
        drawn = [int(group.get_attribute("data-points")) for group in groups]
        assert drawn == curves[curves.validation_loss < 1e300].groupby("seed").size().tolist()
        for status in {row["status"] for row in stored}:
            count = sum(row["status"] == status for row in stored)
            marks = opened.page.query_selector_all(f"#charts svg:first-child .end.{status}")
            assert len(marks) == count
        opened.require_clean(folder)


def test_it_is_used_with_the_keyboard_and_the_address_follows(browser, pages):
    _, _, folder = pages
    with tab(browser) as opened:
        opened.open(folder / "index.html", address(task="adding", cell="lstm", T=20))
        opened.page.focus("#task")
        opened.page.keyboard.press("ArrowDown")
        opened.page.locator("#title", has_text="copy").wait_for()
        assert "task=copy" in opened.page.url
        opened.page.focus("#cell")
        opened.page.keyboard.press("ArrowDown")
        opened.page.locator("#title", has_text="irnn").wait_for()
        opened.page.focus("tbody tr")
        assert opened.page.evaluate("document.querySelectorAll('.picking g.run.on').length") == 2
        opened.page.go_back()
        opened.page.locator("#title", has_text="lstm").wait_for()
        opened.require_clean(folder)


def test_it_opens_on_what_most_replicates_solve(browser, pages):
    plan, results, folder = pages
    with tab(browser) as opened:
        opened.open(folder / "index.html")
        opened.page.wait_for_selector("tbody tr")
        shown = len(opened.page.query_selector_all("tbody tr.solved"))
        own = [
            entry for page in explorer.spread(explorer.selections(plan), plan)[:1] for entry in page
        ]
        rows = collect(
            results, [(id, "seeds-000-004") for e in own for id in e.asked_by], "replicates"
        )
        assert shown == (rows.status == "solved").groupby(rows.condition).sum().max() > 0
        opened.require_clean(folder)


def test_two_conditions_stand_side_by_side(browser, pages):
    _, _, folder = pages
    with tab(browser) as opened:
        opened.open(folder / "index.html", address(task="adding", cell="lstm", T=20))
        opened.page.select_option("#beside", index=1)
        opened.page.wait_for_selector("#about p:nth-child(2)")
        assert opened.page.evaluate("document.querySelectorAll('tbody tr').length") == 10
        with opened.page.expect_download() as download:
            opened.page.click("#files a")
        text = Path(download.value.path()).read_text(encoding="utf-8").splitlines()
        assert text[0].startswith("task,cell,T,condition,seed,update,validation_loss")
        assert {line.split(",")[1] for line in text[1:]} == {"lstm", "irnn"}
        opened.require_clean(folder)


@pytest.mark.parametrize("asked", ["task=nothing&T=x", "T=40", "%E0%A4%A", "task=<script>&cell=''"])
def test_an_address_that_names_nothing_shows_what_is_near(browser, pages, asked):
    _, _, folder = pages
    with tab(browser) as opened:
        opened.open(folder / "index.html", asked)
        opened.page.wait_for_selector("tbody tr")
        if asked == "T=40":
            assert "this is 50" in opened.text("#note")
        opened.require_clean(folder)


def test_hostile_names_are_text(browser, tmp_path):
    results = Results(tmp_path)
    names = [f"cell_{place}" for place in range(len(HOSTILE))]
    labels = dict(zip(names, HOSTILE))
    plan = make_plan(results, cells=names, labels=labels, blocks=("seeds-000-000",))
    horizon = plan.experiments["horizon"]
    members = tuple(replace(member, task=HOSTILE[0]) for member in horizon.members)
    plan = replace(plan, experiments={"horizon": replace(horizon, members=members)})
    finish(results, plan)
    folder = tmp_path / "explorer"
    write_explorer(plan, results, folder)
    for width in (600, 1200):
        with tab(browser, width) as opened:
            for name in HOSTILE:
                opened.open(folder / "index.html", address(task=HOSTILE[0], cell=name, T=20))
                shown = opened.page.text_content("#title")
                assert shown == f"{name} on {HOSTILE[0]}, T = 20"
                assert opened.page.title() == f"{shown} – lstm_bench"
                assert opened.page.evaluate("document.scripts.length") == 2
                wide = "document.documentElement.scrollWidth - window.innerWidth"
                assert opened.page.evaluate(wide) <= 0
            opened.require_clean(folder)
