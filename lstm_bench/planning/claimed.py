"""The claims of a plan: which a sweep can judge, and why not the others."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import asdict
from typing import Any

from lstm_bench import cells, claims, tasks
from lstm_bench.errors import BenchError
from lstm_bench.spec import DEVELOPMENT_SEEDS, Condition
from lstm_bench.store.planned import PlannedClaim, PlannedExperiment, PlannedMember
from lstm_bench.sweep import Choice, Sweep


def planned_claims(
    config: Mapping[str, Any],
    sweep: Sweep,
    entries: Mapping[str, PlannedExperiment],
    planned: Mapping[str, Condition],
) -> dict[str, PlannedClaim]:
    """Every declared claim; where this sweep cannot judge one, with the reason.

    Raises BenchError for a claim with a name that does not exist, and for one the config names
    itself and does not train.
    """
    chosen, found = config["claims"], {}
    pilot = ""
    if sweep.first_seed < DEVELOPMENT_SEEDS:
        pilot = (
            f"first_seed is {sweep.first_seed}, and seeds below {DEVELOPMENT_SEEDS:,} are for "
            "development; `lstm-bench declare` has the seeds of this config."
        )
    for claim in claims.declared(chosen):
        entry = entries.get(claim.experiment, PlannedExperiment())
        trained = _trained(entry.tasks or sweep.tasks, sweep, entry.members, planned)
        lacking = claims.check(claim, config["experiments"], trained)
        named = chosen is not None  # the suite's own may be about labels that one preset alone has
        if named:
            claims.require_known(claim, trained)
        if named and (why := lacking or claims.too_few_tasks(claim, trained) or pilot):
            raise BenchError(f"claims: {claim.id!r} cannot be judged: {why}")
        found[claim.id] = PlannedClaim(asdict(claim), lacking)
    return found


def _trained(
    own: Sequence[Choice],
    sweep: Sweep,
    members: Iterable[PlannedMember],
    planned: Mapping[str, Condition],
) -> claims.Trained:
    """What the sweep trains for an experiment, under which names."""
    return claims.Trained(
        cells=frozenset([m.cell for m in members] or [c.shown for c in sweep.cells]),
        tasks=frozenset([m.task for m in members] or [t.shown for t in own]),
        lengths=frozenset(planned[m.condition].T for m in members),
        labels=claims.labels_of(sweep.cells, own),
        known_cells=list(cells.registry()),
        known_tasks=list(tasks.known()),
    )
