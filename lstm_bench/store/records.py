"""What Snakemake remembers of a results folder. Light: read at every parse of the workflow."""

from __future__ import annotations

from lstm_bench.errors import BenchError
from lstm_bench.store.paths import RESULTS, Results
from lstm_bench.store.plans import Plan
from lstm_bench.store.signatures import drawn_otherwise

RECORDS = ".snakemake/metadata"


def require_known(plan: Plan, results: Results) -> None:
    """Raise BenchError for runs of other code, and for tables of another config, of which
    Snakemake has no record: in a folder that was sent, say.

    It then takes whatever is there for the result of the present code and config.
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
    other = drawn_otherwise(plan, results)
    if other:
        raise BenchError(
            f"the tables or figures of {', '.join(other)} below {results.root / RESULTS} are of "
            "another config or other code, and Snakemake's records of that are gone; forget them "
            "with 'lstm-bench retry --status stale' (and this sweep's --configfile), which keeps "
            "every training, and run snakemake again."
        )
