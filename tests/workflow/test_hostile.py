"""Names nobody should choose, through the real Snakefile: what is run, stored and shown."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

from tests.unit.report.browser import chromium, tab
from tests.workflow.workspace import Workspace

TASK = "\"><script>document.title='PWNED'</script>{x} ../😀"
CELL = "$\\frac{$ `touch PWNED` $(touch PWNED); touch PWNED &"
PLUGIN = '''
from dataclasses import dataclass

from lstm_bench.cells.elman import Elman


@dataclass(frozen=True)
class Plain(Elman):
    """</script><script>document.title='PWNED'</script>"""

    name = "plain"
'''


@pytest.fixture(scope="module")
def swept(tmp_path_factory) -> Workspace:
    """A finished sweep in a folder with spaces, quotes, dollars and letters beyond ASCII."""
    outer = tmp_path_factory.mktemp("hostile") / "a b ü"
    workspace = Workspace(
        outer / "$HOME (q) ; 'é",
        experiments=["horizon"],
        tasks=[{"task": "temporal_order", "label": TASK}],
        cells=[{"cell": "plain", "label": CELL}],
        plugins=["pl{ug} in's; touch PWNED.py"],
        tracking={"experiment": "../'; DROP TABLE runs; -- <script>"},
    )
    (workspace.path / workspace.config["plugins"][0]).write_text(PLUGIN)
    done = workspace.snakemake()
    assert done.returncode == 0, done.stdout
    return workspace


def test_nothing_is_run_and_nothing_leaves_the_folder(swept: Workspace):
    assert list(swept.path.parent.rglob("PWNED*")) == []
    outer = swept.path.parent.parent
    assert {path.name for path in outer.iterdir()} == {swept.path.parent.name}
    assert list(swept.path.parent.iterdir()) == [swept.path]
    (run,) = (swept.path / "results/runs").iterdir()
    assert run.name.startswith("temporal_order-T10-plain-w8-")


def test_the_numbers_of_the_figure_have_the_labels_of_the_config(swept: Workspace):
    import pandas as pd

    drawn = pd.read_csv(swept.path / "results/experiments/horizon/figure.csv", dtype={"panel": str})
    table = pd.read_csv(swept.path / "results/experiments/horizon/table.csv")
    assert set(drawn.series) == {CELL}
    assert drawn.column.str.startswith(TASK).all()
    above = drawn[drawn.panel == "1.1"]
    assert above.y.tolist() == table.share.tolist()
    assert above.low.tolist() == pytest.approx(table.low.tolist())


def test_its_pages_show_names_as_text(swept: Workspace):
    folder = swept.path / "results" / "report"
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
        assert opened.page.title() == f"{CELL} on {TASK}, T = 10 – lstm_bench"


def test_the_report_folder_has_the_numbers_of_its_figures(swept: Workspace, tmp_path: Path):
    """Also where it is all there is: the numbers are in the page."""
    alone = tmp_path / "index.html"
    alone.write_bytes((swept.path / "results/report/index.html").read_bytes())
    with chromium() as browser, tab(browser) as opened:
        opened.open(alone)
        with opened.page.expect_download() as download:
            opened.page.click("#horizon a[download]")
        stored = (swept.path / "results/experiments/horizon/figure.csv").read_bytes()
        assert Path(download.value.path()).read_bytes() == stored
        assert download.value.suggested_filename == "horizon-figure.csv"
