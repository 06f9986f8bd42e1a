"""What the first page says of claims and of the families they are tested in."""

from __future__ import annotations

from pathlib import Path

import pytest
import yaml

from lstm_bench.claims.run import judge
from lstm_bench.report.claims import first_page
from lstm_bench.store.paths import Results
from tests.unit.claims.test_claims import FOUR, GOOD
from tests.unit.experiments.outcomes import made, store


def page(folder: Path, *families: str) -> dict[str, object]:
    """Of a sweep with a claim of each of these families."""
    files = []
    for number, family in enumerate(families):
        files.append(str(folder / f"claim{number}.yaml"))
        Path(files[-1]).write_text(yaml.safe_dump({**GOOD, "family": family}), encoding="utf-8")
    plan = made("horizon", tasks=FOUR, claims=files, first_seed=10_000, replicates=6)
    store(plan, ["horizon"], lambda label, condition, seed: "solved")
    judge(plan, Results())
    return first_page(Results(), {})


def test_families_are_counted_apart(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    one = page(tmp_path, "lecture", "lecture")
    assert (one["tally"], one["level"]) == ("2 claims: 2 open.", "2 claims with a test")
    two = page(tmp_path, "lecture", "lecture", "uses")
    assert two["tally"] == (
        "2 claims of the family “lecture”: 2 open. 1 claim of the family “uses”: 1 open."
    )
    assert two["level"] == (
        "the claims of its family with a test (2 claims of “lecture”, 1 claim of “uses”)"
    )


def test_a_claim_that_the_sweep_has_nothing_of_is_not_called_open(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Open is what was tried and left undecided."""
    monkeypatch.chdir(tmp_path)
    plan = made("horizon", tasks=FOUR, claims=None, first_seed=10_000)
    store(plan, ["horizon"], lambda label, condition, seed: "solved")
    judge(plan, Results())
    found = first_page(Results(), {})
    shown = {claim["id"]: claim["verdict"] for s in found["sentences"] for claim in s["claims"]}
    assert shown["long_dependencies"] == "open"
    assert shown["computational_cost"] == "not judged here"
    of_data = [verdict for name, verdict in shown.items() if name.startswith("uses_data")]
    assert of_data == ["not judged here"] * 3
    assert "family “uses_data”: 3 not judged here." in str(found["tally"])
    assert next(iter(shown)) == "long_dependencies"  # as the lecture begins; its uses come last
