"""Names nobody should choose, through the real Snakefile: what is run, stored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.report.browser import chromium, tab
from tests.workflow.sweeps import CELL, TASK
from tests.workflow.workspace import Workspace


def test_nothing_is_run_and_nothing_leaves_the_folder(named: Workspace):
    assert list(named.path.parent.rglob("PWNED*")) == []
    outer = named.path.parent.parent
    assert {path.name for path in outer.iterdir()} == {named.path.parent.name}
    assert list(named.path.parent.iterdir()) == [named.path]
    runs = [path.name for path in (named.path / "results/runs").iterdir()]
    assert sum(name.startswith("temporal_order-T10-plain-w8-") for name in runs) == 1


def test_the_numbers_of_the_figure_have_the_labels_of_the_config(named: Workspace):
    import pandas as pd

    file = named.path / "results/experiments/horizon/supplement.csv"
    drawn = pd.read_csv(file, dtype={"panel": str})
    table = pd.read_csv(named.path / "results/experiments/horizon/table.csv")
    assert set(drawn.series) == {CELL, "slow"}
    mine, own = drawn[drawn.series == CELL], table[(table.cell == CELL) & (table.task == TASK)]
    above = mine[mine.panel == "1.1"]
    assert len(above) == len(own) == 1
    assert above.column.str.startswith(TASK).all()
    assert above.y.tolist() == own.share.tolist()
    assert above.low.tolist() == pytest.approx(own.low.tolist())


def test_its_pages_show_names_as_text(named: Workspace):
    folder = named.path / "results" / "report"
    with chromium() as browser, tab(browser, width=600) as opened:
        for page in ("index.html", "explorer/index.html"):
            opened.open(folder / page)
            body: Any = opened.page.text_content("body")
            assert TASK in body
            assert CELL in body
            assert "PWNED" not in opened.page.title() or page.startswith("explorer")
            wide = "document.documentElement.scrollWidth - window.innerWidth"
            assert opened.page.evaluate(wide) <= 0
            opened.require_clean(folder)
        shown = [f"{CELL} on {task}, T = 10 – lstm_bench" for task in (TASK, "latch")]
        assert opened.page.title() in shown  # whichever is solved more often


def test_the_report_folder_has_the_numbers_of_its_figures(named: Workspace, tmp_path: Path):
    """Also where it is all there is: the numbers are in the page."""
    alone = tmp_path / "index.html"
    alone.write_bytes((named.path / "results/report/index.html").read_bytes())
    with chromium() as browser, tab(browser) as opened:
        opened.open(alone)
        with opened.page.expect_download() as download:
            opened.page.click("#horizon a[download='horizon-figure.csv']")
        stored = (named.path / "results/experiments/horizon/figure.csv").read_bytes()
        assert Path(download.value.path()).read_bytes() == stored
        assert download.value.suggested_filename == "horizon-figure.csv"
