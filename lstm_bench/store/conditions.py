"""A run's condition.json, which the name of its folder vouches for."""

from __future__ import annotations

from lstm_bench.spec import Condition
from lstm_bench.store.files import damaged, read_json
from lstm_bench.store.paths import Results


def read_condition(results: Results, id: str) -> Condition:
    """Raises DamagedFile when it is missing or another condition than the folder says."""
    path = results.run(id) / "condition.json"
    try:
        condition = Condition.from_json(read_json(path))
        found = condition.id
    except (KeyError, TypeError, ValueError, AttributeError) as error:
        raise damaged(path, error) from error
    if found != id:
        raise damaged(path, f"it describes {found}")
    return condition
