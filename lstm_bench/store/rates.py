"""The tuned learning rates a config names: files of them, the later over the earlier.

A file holds `rates` by task, cell and the length they were tuned at, `tuned_with`, what they were
tuned with and for which pairs, and `trials`, what they were chosen from. One number for a cell
serves every length.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

from lstm_bench.errors import BenchError
from lstm_bench.store.yamls import read_yaml
from lstm_bench.sweep import differing

KEYS = ("rates", "trials", "tuned_with")  # of a file
SHIPPED = "workflow/presets"  # files below it come with the suite
Pair = tuple[str, str]  # the keys of a task and a cell


@dataclass
class Rates:
    """Tuned learning rates by (task, cell) and T, with the settings they were tuned with."""

    chosen: dict[Pair, dict[int, float]] = field(default_factory=dict)
    tuned_with: dict[Pair, dict[str, object]] = field(default_factory=dict)
    trials: list[dict[str, Any]] = field(default_factory=list)

    def update(self, other: Rates, here: Mapping[str, object] | None = None) -> None:
        """Take the other's pairs over, each with its settings and its trials.

        `here` are the settings of a sweep: a pair tuned as it trains is kept where the other's was
        not, so that a rate of a small trial does not reach the sweep that it was not tuned for.
        """
        taken = {pair for pair in other.chosen if not self._better(pair, other, here)}
        for pair in taken:
            self.tuned_with.pop(pair, None)
        self.chosen |= {pair: other.chosen[pair] for pair in taken}
        self.tuned_with |= {pair: s for pair, s in other.tuned_with.items() if pair in taken}
        kept = [t for t in self.trials if (t["task"], t["cell"]) not in taken]
        self.trials = kept + [t for t in other.trials if (t["task"], t["cell"]) in taken]

    def _better(self, pair: Pair, other: Rates, here: Mapping[str, object] | None) -> bool:
        if here is None or pair not in self.chosen:
            return False
        mine, theirs = self.tuned_with.get(pair, {}), other.tuned_with.get(pair, {})
        return not differing(mine, here) and bool(differing(theirs, here))

    def missing(self, pair: Pair, lengths: Iterable[int]) -> list[int]:
        """At which of these lengths the pair is still to be tuned.

        A search that ended, since no rate solved the task, has nothing left to try; nor has a rate
        that was written without its trials, which is one for every length.
        """
        tried = [trial for trial in self.trials if (trial["task"], trial["cell"]) == pair]
        if pair not in self.chosen and not tried:
            return sorted(lengths)
        longest = max((trial["T"] for trial in tried), default=0)
        if not any(trial["solved"] for trial in tried if trial["T"] == longest):
            return []
        return sorted(set(lengths) - {trial["T"] for trial in tried})

    def by_task(self) -> dict[str, dict[str, dict[int, float]]]:
        found: dict[str, dict[str, dict[int, float]]] = {}
        for (task, cell), rates in self.chosen.items():
            found.setdefault(task, {})[cell] = rates
        return found


def rate_files(config: Mapping[str, Any]) -> list[str]:
    """The files of `learning_rates`, the last of them the one that tuning writes."""
    named = config.get("learning_rates")
    return [named] if isinstance(named, str) else list(named or ())


def read_rates(
    config: Mapping[str, object],
    root: Path = Path(),
    tuning: bool = False,
    here: Mapping[str, object] | None = None,
) -> Rates:
    """All files of the config together, for a sweep of the settings `here`. Raises BenchError.

    The last of a list need not be there yet, nor the only one while it is being tuned.
    """
    found, files = Rates(), rate_files(config)
    begun = tuning or not isinstance(config.get("learning_rates"), str)
    for path in files:
        absent = not (root / path).exists()
        if absent and path == files[-1] and begun:
            continue
        if absent:
            raise BenchError(
                f"learning_rates: {path!r} does not exist; make it with `snakemake tune`, or set "
                "learning_rates to null."
            )
        found.update(read_file(root / path), here)
    return found


def read_file(path: Path) -> Rates:
    """One file of rates; one that is empty holds none. Raises BenchError."""
    try:
        stored = _known(read_yaml(path))
        chosen = {
            (str(task), str(cell)): _by_length(rate)
            for task, rates in (stored.get("rates") or {}).items()
            for cell, rate in rates.items()
        }
        return Rates(
            chosen, _settings(stored.get("tuned_with"), chosen), stored.get("trials") or []
        )
    except (BenchError, KeyError, TypeError, ValueError, AttributeError, OSError) as error:
        reason = str(error).rstrip(".")
        raise BenchError(
            f"learning_rates: '{path}' cannot be read ({reason}); it must hold `rates` by task and "
            "cell, as `snakemake tune` writes them. Mend it, or name another file."
        ) from None


def _by_length(given: Any) -> dict[int, float]:
    if not isinstance(given, dict):
        return {1: float(given)}
    return {int(T): float(rate) for T, rate in given.items()}


def _known(stored: Any) -> dict[str, Any]:
    """What a file holds. Raises BenchError where that is something else than rates, or nothing."""
    if stored is None or stored == {}:
        return {}
    if not isinstance(stored, dict):
        raise BenchError("it is no mapping")
    for key in stored:
        if key not in KEYS:
            raise BenchError(f"the key {key!r} is none of {', '.join(KEYS)}")
    if "rates" not in stored:
        raise BenchError("it has no key 'rates'")
    return stored


def _settings(stored: Any, chosen: Iterable[Pair]) -> dict[Pair, dict[str, object]]:
    """By pair. A mapping without `pairs`, as it was written up to 0.3.4, is that of all of them."""
    found: dict[Pair, dict[str, object]] = {}
    for group in [stored] if isinstance(stored, dict) else stored or ():
        settings = {key: value for key, value in group.items() if key != "pairs"}
        pairs = group.get("pairs")
        of = [(t, c) for t, named in pairs.items() for c in named] if pairs else chosen
        found |= dict.fromkeys(of, settings)
    return found


def require_writable(config: Mapping[str, Any], basedir: str | Path) -> None:
    """Raise BenchError, before anything is trained, where tuning has no file to write to."""
    files = rate_files(config)
    if not files:
        raise BenchError(
            "learning_rates: null is not allowed with `snakemake tune`, which writes there; name a "
            "file, which is made where it is absent."
        )
    shipped = Path(files[-1]).resolve().is_relative_to((Path(basedir) / SHIPPED).resolve())
    if shipped and config.get("tuning", {}).get("replace_shipped") not in (True, "true", "True"):
        raise BenchError(
            f"learning_rates: {files[-1]!r} comes with the suite and is not tuned over; add a file "
            f"of your own, e.g. --config 'learning_rates=[{files[-1]}, my_rates.yaml]', or say "
            "--config 'tuning={replace_shipped: true}'."
        )
