"""The losses that `data` compares: of every network, cut history and baseline, item by item."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from functools import reduce
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench import tasks
from lstm_bench.experiments.base import Evidence
from lstm_bench.experiments.baselines import Baseline, measure
from lstm_bench.spec import Condition, Training
from lstm_bench.stats.blocks import Items
from lstm_bench.tasks.from_file import FromFile
from lstm_bench.tasks.labelled import Labelled
from lstm_bench.tasks.series import Series
from lstm_bench.tasks.text import Text

WINDOW = "feedforward_window"  # the cell that sees the last steps and remembers nothing


@dataclass(frozen=True, eq=False)
class Network:
    """A cell at its best rate.

    losses   (S, N) by seed and item; a row of NaN for a seed that was not trained to its end
    window   inputs that it sees, or 0: all, by its state
    cuts     the same losses where only the last k inputs are seen, by k
    about    the columns of its row that are no losses
    stateful whether its state is handed on from batch to batch (`training.stateful`)
    twin     the label of the same network where it is not, or nothing
    """

    losses: np.ndarray
    window: int
    cuts: Mapping[int, np.ndarray]
    about: Mapping[str, Any]
    stateful: bool = False
    twin: str = ""

    def then(self, later: Network) -> Network:
        """Those of two parts of the data, one after the other."""
        shared = set(self.cuts) & set(later.cuts)
        cuts = {k: _joined(self.cuts[k], later.cuts[k]) for k in sorted(shared)}
        rates = dict.fromkeys([self.about["chosen"], later.about["chosen"]])
        about = {**later.about, "chosen": ", ".join(rates)}
        return replace(self, losses=_joined(self.losses, later.losses), cuts=cuts, about=about)


@dataclass(frozen=True, eq=False)
class Losses:
    """Those of a task and length, by the labels of networks and the names of baselines.

    unit    the name of the loss
    seeds   (S,) of the rows of each network's losses
    """

    items: Items
    T: int
    unit: str
    seeds: Sequence[int]
    networks: Mapping[str, Network]
    baselines: Mapping[str, Baseline]

    def then(self, later: Losses) -> Losses:
        """Those of two folds, the earlier test part first; what one of them lacks is left out."""
        items = Items(
            np.concatenate([self.items.weights, later.items.weights]),
            max(self.items.overlap, later.items.overlap),
        )
        networks = {
            label: own.then(later.networks[label])
            for label, own in self.networks.items()
            if label in later.networks
        }
        baselines = {
            name: _then(own, later.baselines[name])
            for name, own in self.baselines.items()
            if name in later.baselines
        }
        return replace(self, items=items, networks=networks, baselines=baselines)

    def by_seed(self, label: str) -> np.ndarray:
        """(S,) the mean loss of each seed of a network."""
        with np.errstate(invalid="ignore"):  # of a seed that was not trained
            return self.items.mean(self.networks[label].losses)

    def loss(self, label: str) -> float:
        """The mean over seeds."""
        return float(np.nanmean(self.by_seed(label)))

    @property
    def best(self) -> str:
        """The network with the lowest loss."""
        return min(self.networks, key=self.loss)

    @property
    def with_state(self) -> str | None:
        """The best of those with a state, where there is one."""
        labels = [label for label, own in self.networks.items() if not own.window]
        return min(labels, key=self.loss, default=None)

    @property
    def chance(self) -> Baseline:
        """The answer without memory or input."""
        return next(iter(self.baselines.values()))

    @property
    def floor(self) -> Baseline:
        """The best baseline."""
        known = [each for each in self.baselines.values() if np.isfinite(each.loss)]
        return min(known, key=lambda each: each.loss)


def losses_of(runs: pd.DataFrame, evidence: Evidence) -> Losses:
    """Of the runs of a task and length, their folds one after another in the order of time."""
    folds = sorted(runs.fold.unique(), reverse=True)  # fold 0 is tested on the last rows
    seeds = sorted(runs.seed.unique())
    return reduce(Losses.then, (_of_fold(runs[runs.fold == k], seeds, evidence) for k in folds))


def _of_fold(runs: pd.DataFrame, seeds: Sequence[int], evidence: Evidence) -> Losses:
    spec = evidence.plan[runs.condition.iloc[0]].spec
    task = tasks.create(spec.task, spec.task_options)
    assert isinstance(task, FromFile)
    items, groups = _items(task, spec.T, spec.training.test_size)
    probe = evidence.probe
    assert probe is not None
    networks, specs = {}, {}
    for cell, group in runs.groupby("cell", sort=False):
        own = at_best_rate(group)
        condition = own.condition.iloc[0]
        found = probe[(probe.condition == condition) & probe.seed.isin(own.seed)]
        by_past = {
            0 if pd.isna(past) else int(past): _stacked(rows, seeds, groups)
            for past, rows in found.groupby("past", dropna=False)
        }
        specs[str(cell)] = cell_spec = evidence.plan[condition].spec
        options: dict[str, Any] = dict(cell_spec.cell_options)
        window = int(options.get("window", 10)) if cell_spec.cell == WINDOW else 0
        about = {
            "chosen": f"rate {own.rate.iloc[0]:g}",
            "parameters": int(own.parameters.iloc[0]),
            "n": len(own),
            "update_seconds": float(own.update_seconds.iloc[0]),
        }
        whole = by_past.pop(0)
        stateful = cell_spec.training.stateful
        networks[str(cell)] = Network(whole, window, by_past, about, stateful)
    for cell, own in networks.items():
        networks[cell] = replace(own, twin=_twin(specs, cell) if own.stateful else "")
    baselines = {
        each.name: replace(each, losses=groups.mean(each.losses), weights=items.weights)
        for each in measure(task, spec.T, spec.training.test_size)
    }
    return Losses(items, spec.T, task.loss, seeds, networks, baselines)


def _twin(specs: Mapping[str, Condition], label: str) -> str:
    """The label of the same network, whose state starts anew at each window; nothing if none is."""

    known = {
        replace(spec, training=Training()).id: each
        for each, spec in specs.items()
        if not spec.training.stateful
    }
    return known.get(replace(specs[label], training=Training()).id, "")


def at_best_rate(runs: pd.DataFrame) -> pd.DataFrame:
    """The runs of a cell at the rate with the lowest mean validation loss."""
    by_rate = runs.groupby("rate").best_validation_loss.agg(["count", "mean"])
    # seeds that diverged are missing here: a rate that loses some is no better for it
    rate = by_rate[by_rate["count"] == by_rate["count"].max()]["mean"].idxmin()
    return runs[runs.rate == rate]


@dataclass(frozen=True, eq=False)
class _Groups:
    """Items that belong together, as one: the sequences of a person, a machine.

    of        (items,) the group of each, counted from 0
    weights   (items,) how many answers each has
    """

    of: np.ndarray
    weights: np.ndarray

    def mean(self, losses: np.ndarray) -> np.ndarray:
        """(items,) to (groups,); NaN of a group of which no item was measured."""
        known = np.where(np.isfinite(losses), self.weights, 0)
        total = np.bincount(self.of, np.where(known > 0, losses, 0) * known)
        count = np.bincount(self.of, known)
        return np.where(count > 0, total / np.where(count > 0, count, 1), np.nan)


def _items(task: FromFile, T: int, size: int) -> tuple[Items, _Groups]:
    """The units that are resampled: windows in the order of time, or groups of sequences."""
    places = task.places(T, "test", size)
    weights = np.concatenate(
        [batch.mask.sum(axis=1, dtype=float) for batch in task.held_out(T, "test", size)]
    )
    of, overlap = np.arange(len(places)), 1
    if isinstance(task, Labelled):
        members = task.members("test")[places]
        of = np.unique(task.sequences.groups[members], return_inverse=True)[1]
    elif isinstance(task, Series | Text) and len(places) > 1:
        ends = task.ends(T, "test") if isinstance(task, Series) else task.starts(T, "test")
        overlap = int(np.ceil(T / np.median(np.diff(ends[places]))))
    return Items(np.bincount(of, weights), overlap), _Groups(of, weights)


def _stacked(rows: pd.DataFrame, seeds: Sequence[int], groups: _Groups) -> np.ndarray:
    by_seed = {
        seed: np.asarray(losses, dtype=float) for seed, losses in zip(rows.seed, rows.losses)
    }
    nothing = np.full(len(groups.of), np.nan)
    return np.stack([groups.mean(by_seed.get(seed, nothing)) for seed in seeds])


def _joined(earlier: np.ndarray, later: np.ndarray) -> np.ndarray:
    """By seed, one part after the other; a seed that one of them lacks is left out of both."""
    both = np.isfinite(earlier).any(axis=1) & np.isfinite(later).any(axis=1)
    return np.where(both[:, None], np.concatenate([earlier, later], axis=1), np.nan)


def _then(earlier: Baseline, later: Baseline) -> Baseline:
    chosen = ", ".join(dict.fromkeys(each for each in (earlier.chosen, later.chosen) if each))
    assert earlier.weights is not None
    assert later.weights is not None
    return Baseline(
        later.name,
        np.concatenate([earlier.losses, later.losses]),
        chosen,
        np.concatenate([earlier.weights, later.weights]),
    )
