"""A figure says one thing; what else there is stands in a supplement beside it."""

from __future__ import annotations

from pathlib import Path

import pandas as pd
import pytest

from lstm_bench.experiments.run import conclude, declared_figures, draw
from lstm_bench.report.page import write_report
from lstm_bench.store.checksums import sums
from lstm_bench.store.paths import EXPERIMENT_FIGURES, SUPPLEMENT_FIGURES, Results
from lstm_bench.store.verify import remove, verify
from tests.unit.experiments.outcomes import ENDS, everything, made, sized, store

MOST = 6  # panels of a main figure
AWAITED = {  # without a finding yet; strict: who mends one takes it off this list
    *("ablation", "catalogue", "extrapolation", "fairness"),
    *("initialisation", "sensitivity"),
    "tuning",
}


@pytest.fixture(scope="module")
def drawn(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder of a sweep whose gradient_flow was concluded and drawn."""
    folder = tmp_path_factory.mktemp("sweep")
    with pytest.MonkeyPatch.context() as patch:
        patch.chdir(folder)
        plan = made("gradient_flow")
        store(plan, ["gradient_flow"], ENDS["as usual"])
        conclude(plan, "gradient_flow", Results())
        draw(plan, "gradient_flow", Results())
    return folder


def test_a_supplement_is_drawn_beside_the_figure_with_its_checksums(drawn: Path) -> None:
    folder = Results(drawn).experiment("gradient_flow")
    assert set(sums(folder / "figures.sha256")) == {*EXPERIMENT_FIGURES, *SUPPLEMENT_FIGURES}
    main, beside = (pd.read_csv(folder / f"{stem}.csv") for stem in ("figure", "supplement"))
    assert len(main)
    assert set(beside.y_axis) > set(main.y_axis)


def test_a_damaged_supplement_is_found_and_goes_with_all_that_was_drawn(
    drawn: Path, tmp_path: Path
) -> None:
    results = Results(tmp_path)
    folder = results.experiment("gradient_flow")
    folder.mkdir(parents=True)
    for path in Results(drawn).experiment("gradient_flow").iterdir():
        (folder / path.name).write_bytes(path.read_bytes())
    (folder / "supplement.svg").write_bytes(b"<svg/>")
    damaged = [path for path, fault in verify(results) if fault]
    assert damaged == [folder / "supplement.svg"]
    remove(damaged[0], results)
    assert not folder.exists()


def test_the_page_folds_it_away(drawn: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    from lstm_bench.claims.run import judge

    monkeypatch.chdir(drawn)
    plan, results = made("gradient_flow"), Results()
    judge(plan, results)
    write_report(plan, results, Path("report.html"))
    page = Path("report.html").read_text(encoding="utf-8")
    before, _, after = page.partition('alt="Supplement: ')
    assert before.rindex("<details>") > before.rindex("</details>")
    assert after.index("experiments/gradient_flow/supplement.pdf") < after.index("</details>")


def test_a_sweep_waits_for_the_supplements_that_there_are(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    files = made("cost", "gradient_flow").figure_files()
    assert "results/experiments/gradient_flow/supplement.svg" in files
    assert "results/experiments/cost/figure.svg" in files
    assert "results/experiments/cost/supplement.svg" not in files


@pytest.mark.parametrize(
    "name",
    [
        pytest.param(name, marks=[pytest.mark.xfail(strict=True)] if name in AWAITED else [])
        for name in everything()
        if name != "speed"
    ],
)
def test_a_main_figure_has_a_finding_and_at_most_six_panels(
    name: str, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.chdir(tmp_path)
    plan = made(name, **sized(3, 6))
    store(plan, [name], ENDS["as usual"])
    conclude(plan, name, Results())
    figure = declared_figures(plan, name, Results())["figure"]
    assert figure.title
    assert len(list(figure.panels())) <= MOST
