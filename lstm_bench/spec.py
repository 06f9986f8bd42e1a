"""What a training is: conditions, seed blocks, their ids and their seeds. Standard library only.

A *condition* is everything that defines one training except the seed. Its id is a readable slug
and a hash of its canonical JSON; the hash decides. Options left at their default are not part of
the JSON, so that giving a component a new option renames nothing that is already trained.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, field, fields, replace
from functools import cached_property
from typing import Any

from lstm_bench.typed import plain

SEED_LIMIT = 2**31
DEVELOPMENT_SEEDS = 10_000  # seeds below are for trying things out; no verdict rests on them
TUNING_SEEDS = 1_000_000  # seeds from here on belong to tuning; no experiment may judge on them
GROWTH = 10  # later a tenth of the updates made: the grain of a time is a tenth of it


def canonical(value: Any) -> str:
    """The one JSON text of a value: sorted keys, no spaces, shortest floats, no NaN.

    A dataclass is the mapping of its fields.
    """
    return json.dumps(value, sort_keys=True, separators=(",", ":"), allow_nan=False, default=plain)


def digest(value: Any, length: int = 10) -> str:
    """The first `length` hex digits of the SHA-256 of the canonical JSON."""
    return hashlib.sha256(canonical(value).encode()).hexdigest()[:length]


def slug(name: object) -> str:
    """A name of a task or a cell as a part of a path."""
    return re.sub(r"[^a-z0-9_]+", "_", f"{name}".lower())


def stream_key(purpose: str, **parts: Any) -> int:
    """A 128-bit key for a counter-based generator, one for each purpose and each set of parts."""
    text = canonical({"purpose": purpose, **parts})
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:16], "little")


@dataclass(frozen=True)
class Training:
    """How a condition is trained and when it stops. Defaults are those of the command line.

    A replicate stops at the first of: solved (`training.stopping`), futility, divergence, the
    budget of `updates`.
    """

    updates: int = 2000
    """The budget: updates of the weights at most."""
    batch: int = 32
    """Sequences an update."""
    evaluate_every: int = 50
    """The most updates between two evaluations on validation sequences."""
    evaluate_first: int = 5
    """Updates between the first ones: at 5, 10 ... 50, then every 10 %, so that an easy task has
    its time, too."""
    optimiser: str = "adam"
    """adam, rmsprop or sgd (`training.optimisers`)."""
    learning_rate: float = 0.003
    """Step size η of the optimiser; constant."""
    momentum: float = 0.9
    """Of sgd, heavy ball: u <- momentum u + g, in [0, 1)."""
    clip: str = "norm"
    """`norm` shortens a gradient that is too long, `value` clamps each number of it, or `none`."""
    clip_at: float = 1.0
    """The largest norm, or value, that passes."""
    futility_after: float = 0.75
    """The share of the budget after which a replicate that has learnt nothing stops."""
    futility_margin: float = 0.02
    """Nothing: its best validation loss came less than this share of the way from the loss of the
    best answer without memory to that of the perfect one, on the same sequences."""
    train_size: int | None = None
    """Training sequences; null draws new ones for ever."""
    validation_size: int = 512
    """Validation sequences of each seed."""
    confirmation_size: int | None = 4096
    """Fresh sequences that must meet the criterion too before a replicate counts as solved; each
    attempt draws new ones. Null: the first evaluation that meets it counts, as in papers of the
    1990s."""
    test_size: int = 2048
    """Test sequences of each seed: read once, after training."""
    reduction: str = "mean"
    """What is differentiated: `mean`, the loss of the task, a mean over outputs and target steps,
    or `sum`, the error of the papers of the 1990s: summed over both, averaged over the sequences
    of the batch, half of it where it is squared: E = 1/2 sum_t sum_k (y_k - t_k)^2. Losses that
    are recorded are means either way."""
    truncate: int | None = None
    """Cuts the gradient every so many steps, counted from the end of the sequence
    (`engine.chunks`)."""
    carry: bool = True
    """Whether the state passes a cut or starts anew there; in training alone, what is evaluated
    reads whole sequences."""
    recompute: bool = False
    """Keeps states at sqrt(T) steps only and computes the rest twice, for long sequences."""
    train_distinct: int | None = None
    """How many of the `train_size` sequences differ; the rest repeat them. Null: all."""
    weight_decay: float = 0.0
    """λ in w <- w - η λ w before each update, all weights alike (decoupled: Loshchilov & Hutter
    2019)."""
    stop: str = "solved"
    """`budget` trains to the end of the budget, whether solved or futile."""
    keep: str = "last"
    """The weights that are tested and stored: the `last`, or the `best`, those of the lowest
    validation loss, which is early stopping."""
    curriculum: tuple[int, ...] = ()
    """Lengths the weights are trained at before, in rising order; those of T and longer are left
    out. Each of them and T has an equal share of the `updates`, and stops where it is solved
    (`training.curriculum`)."""
    gradient_decay: float | None = None
    """The norm of dL/dh_t is set to that at the last target step times this number for each step
    between; 1 neither vanishes nor explodes. An intervention (`engine.intervention`); null leaves
    the gradient as it is."""
    stateful: bool = False
    """Whether the state after a batch is where the next one starts, along one long series or text
    (`training.stateful`); held-out parts are then read in their order, too."""

    def __post_init__(self) -> None:
        """A whole number where a float is meant is that float: one training has one id."""
        for name in (*FLOATS, "gradient_decay"):
            value = getattr(self, name)
            if value is not None and not isinstance(value, float):
                object.__setattr__(self, name, float(value))
        object.__setattr__(self, "curriculum", tuple(self.curriculum))

    def to_json(self) -> dict[str, object]:
        """Plain data; what ladders are named by has no field that is newer than they are."""
        return {k: v for k, v in vars(self).items() if k not in NEWER or v != getattr(Training, k)}

    @property
    def share(self) -> int:
        """The updates at each length: all of them without a curriculum."""
        return max(1, self.updates // (len(self.curriculum) + 1))


FLOATS = [each.name for each in fields(Training) if isinstance(each.default, float)]
NEWER = ("curriculum", "gradient_decay", "stateful")  # than names of ladders and searches
ADDED_LATER = (  # to the fields of `Training`
    *("reduction", "truncate", "carry", "recompute"),
    *("train_distinct", "weight_decay", "stop", "keep"),
    *NEWER,
)


def next_evaluation(update: int, training: Training) -> int:
    """The update of the evaluation after that at `update`: 5, 10 ... 50, then every 10 %.

    Never more than `evaluate_every` apart.
    """
    t = training
    return update + min(t.evaluate_every, max(t.evaluate_first, update // GROWTH))


def evaluations(training: Training) -> int:
    """How many evaluations the budget of a length has, that at update 0 among them."""
    count, update, t = 1, 0, training
    while update < t.share and update // GROWTH < t.evaluate_every:
        update, count = next_evaluation(update, t), count + 1
    return count + max(0, -(-(t.share - update) // t.evaluate_every))


@dataclass(frozen=True)
class Condition:
    """A task at a length, a cell at a width, and the training. See `Training` for the rest.

    `network` holds the `engine.network_options.NetworkOptions` that differ from their default.
    """

    task: str
    T: int
    cell: str
    width: int = 32
    task_options: Mapping[str, object] = field(default_factory=dict)
    cell_options: Mapping[str, object] = field(default_factory=dict)
    training: Training = field(default_factory=Training)
    network: Mapping[str, Any] = field(default_factory=dict)

    def __post_init__(self) -> None:
        """A curriculum ends below T: one list of lengths serves every rung of a ladder."""
        if any(rung >= self.T for rung in self.training.curriculum):
            kept = tuple(rung for rung in self.training.curriculum if rung < self.T)
            object.__setattr__(self, "training", replace(self.training, curriculum=kept))

    def to_json(self) -> dict[str, object]:
        """Plain data, complete: what condition.json holds and what the hash is taken of.

        What was added to conditions later is left out at its default, so that it renames nothing.
        """
        found = {f.name: getattr(self, f.name) for f in fields(self)}
        found["training"] = dict(vars(self.training))
        if not found["network"]:
            del found["network"]
        for name in ADDED_LATER:
            if found["training"][name] == getattr(Training, name):
                del found["training"][name]
        return json.loads(canonical(found))

    @classmethod
    def from_json(cls, data: Mapping[str, Any]) -> Condition:
        """The inverse of `to_json`; unknown keys raise TypeError."""
        return cls(**{**data, "training": Training(**data["training"])})

    @cached_property
    def id(self) -> str:
        """`{task}-T{T}-{cell}-w{width}-{hash}`; safe as a folder name."""
        names = slug(self.task), slug(self.cell)
        return f"{names[0]}-T{self.T}-{names[1]}-w{self.width}-{digest(self.to_json())}"


@dataclass(frozen=True)
class SeedBlock:
    """Consecutive seeds of one condition: the unit of training, of files and of jobs."""

    first: int
    last: int

    @property
    def name(self) -> str:
        return f"seeds-{self.first:03d}-{self.last:03d}"

    @property
    def seeds(self) -> range:
        return range(self.first, self.last + 1)

    @classmethod
    def parse(cls, name: str) -> SeedBlock:
        match = re.fullmatch(r"seeds-(\d+)-(\d+)", name)
        if match is None:
            raise ValueError(f"{name!r} is no seed block (expected seeds-FIRST-LAST)")
        return cls(int(match[1]), int(match[2]))


def seed_blocks(replicates: int, size: int, first_seed: int = 0) -> Iterator[SeedBlock]:
    """`replicates` seeds from `first_seed` on, in blocks of `size`; the last may be shorter."""
    end = first_seed + replicates
    for start in range(first_seed, end, size):
        yield SeedBlock(start, min(start + size, end) - 1)


def training_keys() -> list[str]:
    return [f.name for f in fields(Training)]
