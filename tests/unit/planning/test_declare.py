"""What a declaration is a digest of, and which verdicts are exploratory."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
import yaml

from lstm_bench.errors import BenchError
from lstm_bench.planning.declare import declaration, first_seed
from lstm_bench.store.declarations import DECLARATIONS, Declaration, declarations, declare
from lstm_bench.store.planned import PlannedClaim, PlannedDeclaration, PlannedExperiment
from tests.unit.experiments.outcomes import made

CLAIM: dict[str, Any] = {
    "quote": "q.",
    "statement": "s",
    "experiment": "gradient_flow",
    "statistic": "updates_to_solve",
    "cells": ["lstm", "elman"],
    "caveats": "c",
}
TASKS = ["adding", "temporal_order", "copy", "selective_copy"]


def declared(
    folder: Path, claim: dict[str, Any] | None = None, **changes: Any
) -> PlannedDeclaration:
    """Of a sweep with one claim, on runs that a probe reads too."""
    path = folder / "own.yaml"
    path.write_text(yaml.safe_dump({**CLAIM, **(claim or {})}), encoding="utf-8")
    base = {"tasks": TASKS, "claims": [str(path)], "first_seed": 10_000, "lengths": [10, 20]}
    return made("gradient_flow", **{**base, **changes}).declaration


@pytest.fixture(autouse=True)
def here(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """A project with an empty file of declarations."""
    monkeypatch.chdir(tmp_path)
    DECLARATIONS.parent.mkdir()
    DECLARATIONS.write_text("# Declarations\n\n| number |\n| --- |\n", encoding="utf-8")
    return tmp_path


def test_seeds_places_and_prose_are_no_part_of_the_digest(here: Path) -> None:
    one = declared(here)
    assert declared(here, first_seed=500_000).digest == one.digest
    assert declared(here, device={"cpu_up_to": 200}).digest == one.digest
    assert declared(here, tracking={"experiment": "other"}).digest == one.digest
    assert (
        declared(here, {"caveats": "other", "statement": "other", "order": 1}).digest == one.digest
    )
    assert declared(here, {"beside": [["gru", "elman"]]}).digest == one.digest
    other = {"experiments": ["gradient_flow", "cost"]}  # on which no claim rests
    assert declared(here, **other).digest == one.digest


@pytest.mark.parametrize(
    "changes",
    [
        {"replicates": 6},
        {"seed_block": 1},
        {"lengths": [10, 20, 40]},
        {"width": 5},
        {"training": {"updates": 40, "learning_rate": 0.02}},
        {"gradient_flow": {"length": 30}},
        {"claim": {"threshold": 0.5}},
        {"claim": {"where": {"T": [10]}}},
        {"claim": {"alpha": 0.01}},
        {"claim": {"family": "uses"}},
    ],
)
def test_whatever_a_verdict_reads_is(here: Path, changes: dict[str, Any]) -> None:
    assert declared(here, **changes).digest != declared(here).digest


def test_a_family_that_no_judged_claim_is_of_is_no_part_of_the_digest() -> None:
    sweep = made("gradient_flow").sweep

    def digest(**families: str) -> str:
        claims = {
            name: PlannedClaim({**CLAIM, "family": family}, "" if name == "judged" else "no.")
            for name, family in families.items()
        }
        run = {"gradient_flow": PlannedExperiment()}
        return declaration(claims, run, {}, {}, sweep).digest

    alone = digest(judged="lecture")
    assert digest(judged="lecture", other="uses") == alone
    assert digest(judged="lecture", other="lecture") != alone
    both = digest(judged="uses", other="uses")
    assert len({alone, both, digest(judged="uses", other="lecture")}) == 3


def test_the_first_seed_follows_from_the_digest_and_lies_between_the_others() -> None:
    drawn = [first_seed(f"{i:016x}") for i in range(0, 2_000_000, 997)]
    assert min(drawn) >= 10_000
    assert max(drawn) + 10_000 < 1_000_000
    assert len(set(drawn)) > 1000
    assert first_seed("00000000000f4240") == 30_000  # 10,000 and 1,000,000 modulo 980,000


def test_a_verdict_is_exploratory_until_its_digest_is_a_line_and_its_seed_that_of_the_digest(
    here: Path,
) -> None:
    found = declared(here)
    assert f"first_seed is 10000, and that of {found.digest} is {found.first_seed}" in (
        found.exploratory
    )
    assert "docs/declarations.md has no line" in found.exploratory
    seeded = declared(here, first_seed=found.first_seed)
    assert seeded.exploratory == f"docs/declarations.md has no line for {found.digest}"
    declare(Declaration(1, "2026-01-02", found.digest, found.first_seed, "a + b", "0.4.0"))
    sure = declared(here, first_seed=found.first_seed)
    assert (sure.exploratory, sure.number, sure.date) == ("", 1, "2026-01-02")
    changed = declared(here, {"threshold": 0.5}, first_seed=found.first_seed)
    assert "its seeds are those of declaration 1" in changed.exploratory
    assert "changed since" in changed.exploratory
    asked = {"first_seed": found.first_seed, "declared": True}
    assert declared(here, **asked) == sure
    with pytest.raises(BenchError, match=r"declared: true .* changed since") as refused:
        declared(here, {"threshold": 0.5}, **asked)
    assert changed.digest in str(refused.value)
    declared(here, {"threshold": 0.5}, **{**asked, "declared": False})


def test_lines_are_read_as_they_were_written(here: Path) -> None:
    lines = [Declaration(n, "2026-01-02", "ab12", 20_000, "a + b.yaml", "0.4.0") for n in (1, 2)]
    for line in lines:
        declare(line)
    assert declarations() == lines
    with DECLARATIONS.open("a") as page:
        page.write("\nWhat declaration 2 changes.\n")
    declare(later := replace(lines[0], number=3))
    assert declarations() == [*lines, later]
    assert DECLARATIONS.read_text().endswith(f"{later.line}\n\nWhat declaration 2 changes.\n")
    assert declarations(here / "none.md") == []
    with pytest.raises(BenchError, match=r"none\.md is not there"):
        declare(lines[0], here / "none.md")


def test_claims_that_are_named_are_refused_on_seeds_of_development(here: Path) -> None:
    with pytest.raises(BenchError, match="first_seed is 9999, and seeds below 10,000 are for"):
        declared(here, first_seed=9_999)
    assert made("gradient_flow", first_seed=0).claims  # those of nobody are not judged
