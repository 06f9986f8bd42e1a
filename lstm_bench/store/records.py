"""What Snakemake remembers of a results folder. Light: read at every parse of the workflow."""

from __future__ import annotations

from lstm_bench.errors import BenchError
from lstm_bench.store.paths import RESULTS, Results
from lstm_bench.store.plans import Plan

RECORDS = ".snakemake/metadata"


def require_known(plan: Plan, results: Results) -> None:
    """Raise BenchError for runs of other code that Snakemake has no record of.

    It then takes whatever is there for the result of the present code.
    """
    if any((results.root / RECORDS).glob("[!.]*")) or not results.blocks():
        return
    from lstm_bench.store.verify import STALE, how_ended

    count = sum(STALE in how_ended(plan, results, *each) for each in plan.every_block())
    if count:
        raise BenchError(
            f"{count} seed blocks below {results.root / RESULTS} were trained by other code, and "
            "Snakemake's records of them are gone; forget them with 'lstm-bench retry --status "
            "stale' and run snakemake again."
        )
