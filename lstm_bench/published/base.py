"""What a published table is: arms with a number from a paper, and how each is trained here.

To add one, subclass `PublishedTable` in a file of this room. Everything is fixed before training:
the paper's settings, the cap, the number of replicates, and how each arm will be judged.
"""

from __future__ import annotations

from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, replace
from enum import StrEnum
from typing import Any, ClassVar

from lstm_bench.registry import classes
from lstm_bench.spec import Condition, SeedBlock, Training, seed_blocks


class Kind(StrEnum):
    """How an arm is judged; `published.judge` has the rules."""

    REPLICA = "replica"  # the paper's algorithm: success rate, and time within a factor of two
    RATE = "rate"  # another algorithm: success rate only
    NEGATIVE = (
        "negative"  # the paper says that it fails; means something beside a control that works
    )
    CONTROL = "control"  # not in the paper: shows that an arm could have failed, or succeeded


@dataclass(frozen=True)
class Published:
    """What a paper reports of an arm. Unknown numbers are None.

    n, solved     trials, and those that succeeded
    sequences     mean number of training sequences to success, over those that succeeded
    low, high     the range the paper gives
    more_than     where nothing succeeded: the number of sequences tried
    weights       the number of weights
    source        the table or section
    """

    source: str | None = None
    n: int | None = None
    solved: int | None = None
    sequences: float | None = None
    low: float | None = None
    high: float | None = None
    more_than: float | None = None
    weights: int | None = None

    @property
    def rate(self) -> float | None:
        """The share of successes; None where the paper does not count them."""
        return self.solved / self.n if self.n and self.solved is not None else None


@dataclass(frozen=True)
class Arm:
    """One line of a table.

    needs        of a negative arm: the label of the arm that must succeed for it to say anything
    deviations   what is not as in the paper, each a sentence
    """

    label: str
    condition: Condition
    replicates: int
    kind: Kind
    published: Published = field(default_factory=Published)
    needs: str = ""
    deviations: Sequence[str] = ()

    @property
    def blocks(self) -> list[SeedBlock]:
        """Two seed blocks, for two cores, where each has five replicates or more; else one.

        A step of a small network takes nearly as long for one replicate as for ten.
        """
        n = self.replicates
        return list(seed_blocks(n, n // 2 if n % 2 == 0 and n >= 10 else n))

    def limited(self, limits: Mapping[str, Any]) -> Arm:
        """With at most `replicates` and `updates` of these limits."""
        t = self.condition.training
        updates = min(t.updates, limits.get("updates") or t.updates)
        return replace(
            self,
            replicates=min(self.replicates, limits.get("replicates") or self.replicates),
            condition=replace(self.condition, training=replace(t, updates=updates)),
        )


@dataclass(frozen=True)
class PublishedTable(ABC):
    """One row of the literature."""

    name: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str]
    citation: ClassVar[str]
    setting: ClassVar[str]  # what was done in the paper, a paragraph
    deviations: ClassVar[Sequence[str]]  # what is not as in the paper, in every arm

    @abstractmethod
    def arms(self) -> Iterable[Arm]:
        """What is trained, in the order of the table."""

    def claim(self, shares: Mapping[str, float]) -> str:
        """A sentence on what the arms say together; "" for nothing.

        shares   of the replicates that succeeded, by label; NaN where none could be judged
        """
        return ""


def online(
    learning_rate: float, updates: int, every: int, held_out: int, train_size: int | None = None
) -> Training:
    """Training as in HS97: one sequence an update, plain gradient descent, the summed error.

    Nothing ends it but success, looked for every `every` updates on `held_out` sequences.
    """
    return Training(
        updates=updates,
        batch=1,
        evaluate_every=every,
        evaluate_first=every,
        confirmation_size=None,
        optimiser="sgd",
        learning_rate=learning_rate,
        momentum=0.0,
        clip="none",
        futility_after=1.0,
        train_size=train_size,
        validation_size=held_out,
        test_size=held_out,
        reduction="sum",
    )


def registry() -> dict[str, type[PublishedTable]]:
    return classes(PublishedTable, "lstm_bench.published")
