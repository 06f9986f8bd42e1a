"""`python -m lstm_bench.jobs.search`: learning rates of one cell on one task, along its lengths."""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable
from dataclasses import replace

from lstm_bench.jobs import adaptive, supervision
from lstm_bench.jobs.job import warm
from lstm_bench.spec import TUNING_SEEDS, Condition, SeedBlock
from lstm_bench.stats.rate_search import Ended, tune
from lstm_bench.store.paths import Results
from lstm_bench.store.planned import PlannedSearch
from lstm_bench.typed import from_json

__all__ = ["main", "warm", "work"]


def _parse(arguments: list[str]) -> argparse.Namespace:
    parser = supervision.parser(__doc__)
    parser.add_argument("--name", required=True, help="of the search")
    parser.add_argument("--search", required=True, help="as the plan has it, JSON")
    return parser.parse_args(arguments)


def _planned(args: argparse.Namespace) -> PlannedSearch:
    found: PlannedSearch = from_json(PlannedSearch, json.loads(args.search))
    return found


def _search(args: argparse.Namespace, train: adaptive.Train) -> Callable[[], None]:
    from lstm_bench.store.searches import write_search

    search = _planned(args)
    of = {condition.T: condition for condition in search.conditions}
    tried: list[tuple[str, str]] = []

    def try_rate(T: int, rate: float, replicates: range) -> list[Ended]:
        condition = with_rate(of[T], rate)
        block = SeedBlock(TUNING_SEEDS + replicates.start, TUNING_SEEDS + replicates.stop - 1)
        rows = train(condition, block)
        tried.append((condition.id, block.name))
        return [
            Ended(
                solved=row["status"] == "solved",
                updates=row["updates_to_solve"] or condition.training.updates,
                loss=float("inf") if (best := row["best_validation_loss"]) is None else best,
                trained=row["status"] in ("solved", "unsolved"),
            )
            for row in rows
        ]

    seeds = (search.first, search.later, search.more)
    trials = tune(list(of), search.rates, try_rate, *seeds, by_loss=judged_by_loss(search))
    return lambda: write_search(Results(), args.name, search, trials, tried)


def judged_by_loss(search: PlannedSearch) -> bool:
    """Whether trainings go to the end of their budget, solved or not, so that losses compare."""
    return search.conditions[0].training.stop == "budget"


def with_rate(condition: Condition, rate: float) -> Condition:
    """The condition at a learning rate."""
    return replace(condition, training=replace(condition.training, learning_rate=rate))


def work(arguments: list[str]) -> int:
    """Search in this process, which is a child's; returns its exit code."""
    return adaptive.work_on(_parse(arguments), _search)


def main() -> int:
    """Have a child search, and supervise it."""
    longest = lambda args: max(each.T for each in _planned(args).conditions)  # noqa: E731
    return adaptive.main("lstm_bench.jobs.search", _parse, _search, longest)


if __name__ == "__main__":
    supervision.leave(main())
