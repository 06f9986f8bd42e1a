"""What a task is. numpy only: a task knows nothing of networks.

To add one, subclass `Task` in a file of this room (or of your own, named in `plugins:`), give it a
`name`, its sizes, `sample`, `memoryless` and `chance loss`. docs/adding-a-task.md does it in 25
lines.
"""

from __future__ import annotations

import contextlib
from abc import ABC, abstractmethod
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import ClassVar, NamedTuple

import numpy as np

from lstm_bench.errors import BenchError, unknown
from lstm_bench.registry import build, classes

SPLITS = ("train", "validation", "test")
CERTAIN = 1e3  # logits so far apart that the cross-entropy of the right class is exactly 0


class Batch(NamedTuple):
    """Sequences and what is asked about them; L is the sequence length, `task.steps(T)`.

    inputs   (batch, L, inputs) float32, or tokens (batch, L) int64, whole numbers below `inputs`,
             where the task reads tokens; a sequence that ends early is padded with zeros
    targets  (batch, L) int64 classes for a cross-entropy, else (batch, L, outputs) float32
    mask     (batch, L) float32, 1 where the loss is taken
    legal    (batch, L, outputs) bool, the answers that are right where several are, for the score
    clean    (batch, L, outputs) float32, the targets without their noise, for the score
    """

    inputs: np.ndarray
    targets: np.ndarray
    mask: np.ndarray
    legal: np.ndarray | None = None
    clean: np.ndarray | None = None

    @property
    def target_steps(self) -> np.ndarray:
        """The steps at which any sequence is asked: where a network's output is needed."""
        return np.flatnonzero(self.mask.any(axis=0))

    def rows(self, rows: slice | Sequence[int] | np.ndarray) -> Batch:
        """Some of the sequences."""
        return self._each(lambda part: part[rows])

    def at(self, steps: Sequence[int] | np.ndarray) -> Batch:
        """Some of the steps."""
        return self._each(lambda part: part[:, steps])

    def _each(self, cut: Callable[[np.ndarray], np.ndarray]) -> Batch:
        legal = None if self.legal is None else cut(self.legal)
        clean = None if self.clean is None else cut(self.clean)
        return Batch(cut(self.inputs), cut(self.targets), cut(self.mask), legal, clean)


OLD_NAMES = {"floor": "chance_loss", "ceiling": "optimal_loss", "asked": "target_steps"}


@dataclass(frozen=True)
class Task(ABC):
    """A family of synthetic sequences with one difficulty knob, the length `T`.

    A task is a pure function of (options, T, generator). It owns its loss, its score in [0, 1],
    its chance loss (of the best answer that uses no memory), its optimal loss (of a perfect one),
    and the score from which a network has solved it. Options are dataclass fields.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1  # raise when the sequences, the loss or the score change
    draws_at_once: ClassVar[int] = 1  # training batches drawn together, where a sampler walks steps
    citation: ClassVar[str] = ""
    formula: ClassVar[str] = ""
    loss: ClassVar[str]  # "squared_error", "cross_entropy" or "binary_cross_entropy"
    score_name: ClassVar[str] = "score"
    solved_score: ClassVar[float]
    shortest: ClassVar[int] = 2
    presets: ClassVar[Mapping[str, Mapping[str, object]]] = {}
    window_is_best: ClassVar[bool] = True  # False where `window` is the best linear answer only
    measured: ClassVar[bool] = False  # True where its losses are measured on a file, none exact
    training: ClassVar[Mapping[str, object]] = {}  # settings of training that it decides itself

    @classmethod
    def identified(cls, options: Mapping[str, object]) -> dict[str, object]:
        """The options that a condition has, of those that a config has."""
        return dict(options)

    def __init_subclass__(cls) -> None:
        """Methods of plugins by the names of 0.3.5, until the next release."""
        for old, name in OLD_NAMES.items():
            if old in vars(cls) and name not in vars(cls):
                setattr(cls, name, vars(cls)[old])

    @property
    @abstractmethod
    def inputs(self) -> int:
        """Number of input features, or of different tokens where the task reads tokens."""

    @property
    @abstractmethod
    def outputs(self) -> int:
        """Number of outputs: values for a squared error, classes for a cross-entropy."""

    @property
    def reads_tokens(self) -> bool:
        """Whether inputs are tokens, of which a network learns a vector each.

        Their outputs are as many, so what is computed of them is computed of few sequences at a
        time: the score of such a task is a mean over target steps.
        """
        return False

    @property
    def step_size(self) -> int:
        """The floats of memory that the input of a step takes."""
        return 2 if self.reads_tokens else self.inputs

    @abstractmethod
    def sample(self, rng: np.random.Generator, batch: int, T: int) -> Batch:
        """`batch` sequences of length T, drawn from `rng` and nothing else."""

    @abstractmethod
    def memoryless(self, batch: Batch) -> np.ndarray:
        """The best outputs (batch, L, outputs) that look at no input. May use the clock."""

    @abstractmethod
    def chance_loss(self, T: int) -> float:
        """The exact expected loss of `memoryless`; a test simulates it."""

    @abstractmethod
    def score(self, outputs: np.ndarray, batch: Batch) -> float:
        """The score in [0, 1] of outputs (batch, S, outputs); `batch` is cut to the S read steps.

        Where the mask differs between sequences, the score looks at masked steps alone.
        """

    def sample_split(self, rng: np.random.Generator, batch: int, T: int, split: str) -> Batch:
        """`batch` sequences of a split: "train", "validation" or "test".

        Here every split follows the law of `sample`; a task with a finite pool (images, a recorded
        series) parts it, and its `sample` is that of "train".
        """
        return self.sample(rng, batch, T)

    def held_out(self, T: int, split: str, size: int) -> Iterator[Batch] | None:
        """The sequences of a held-out split where they are the same for every seed, or None."""
        return None

    def allowed(self, lengths: Iterable[int]) -> tuple[int, ...]:
        """Those of these lengths that the task can have."""
        found = []
        for T in lengths:
            with contextlib.suppress(BenchError):
                self.require(T)
                found.append(T)
        return tuple(found)

    def steps(self, T: int) -> int:
        """The number of time steps of a sequence of length T."""
        return T

    def target_steps(self, T: int) -> tuple[int, ...]:
        """The steps at which a sequence of length T may be asked.

        Here those of one sequence: a task whose mask differs between sequences overrides this.
        """
        rng = np.random.Generator(np.random.Philox(0))
        return tuple(int(step) for step in self.sample(rng, 1, T).target_steps)

    def perfect(self, batch: Batch) -> np.ndarray:
        """The outputs (batch, L, outputs) of one who knows the task. Classes as certain logits.

        Here the targets themselves; a task whose targets are random given the past overrides it.
        """
        if self.loss == "cross_entropy":
            return one_hot(batch.targets, self.outputs) * np.float32(CERTAIN)
        if self.loss == "binary_cross_entropy":
            return (2 * batch.targets - 1) * np.float32(CERTAIN)
        return batch.targets.copy()

    def optimal_loss(self, T: int) -> float:
        """The exact expected loss of `perfect`; a test simulates it."""
        return 0.0

    def window(self, batch: Batch, k: int) -> np.ndarray | None:
        """The best outputs that look at the last k inputs only, where the task knows them."""
        return None

    def relevance(self, batch: Batch) -> np.ndarray | None:
        """(batch, L) bool: the steps whose input an answer depends on, where the task knows them.

        What is to be stored, read off the inputs alone: the inputs at these steps and their places
        decide every target. A step that only asks, or that marks the end, is not among them.
        """
        return None

    def milestones(self, T: int) -> dict[str, float]:
        """Validation losses worth a date of their own, for example a plateau left behind."""
        return {}

    def evaluate_loss(self, outputs: np.ndarray, batch: Batch) -> float:
        """The mean loss over masked steps of outputs (batch, L, outputs), in float64."""
        each = self.step_losses(outputs, batch)
        return float((each * batch.mask).sum() / batch.mask.sum())

    def step_losses(self, outputs: np.ndarray, batch: Batch) -> np.ndarray:
        """(batch, L) the loss of outputs (batch, L, outputs) at every step, in float64."""
        outputs = outputs.astype(np.float64)
        if self.loss == "squared_error":
            return np.asarray(((outputs - batch.targets) ** 2).mean(axis=-1))
        if self.loss == "binary_cross_entropy":
            return np.asarray((np.logaddexp(0, outputs) - batch.targets * outputs).mean(axis=-1))
        shifted = outputs - outputs.max(axis=-1, keepdims=True)
        log_p = shifted - np.log(np.exp(shifted).sum(axis=-1, keepdims=True))
        return -np.take_along_axis(log_p, batch.targets[..., None], axis=-1)[..., 0]

    def require(self, T: int) -> None:
        """Raise BenchError when the task cannot have this length."""
        if self.shortest > T:
            raise BenchError(
                f"lengths: T={T} is too short for task {self.name!r}; "
                f"it needs T >= {self.shortest}."
            )


def one_hot(indices: np.ndarray, classes: int, where: np.ndarray | None = None) -> np.ndarray:
    """(…,) integers to (…, classes) float32; zeros where `where` (…,) is given and False."""
    rows = _unit_rows(classes)  # and one of zeros
    if where is None:
        return rows[:-1].take(indices, axis=0)
    return rows.take(np.where(where, indices, classes), axis=0)


@lru_cache(maxsize=64)
def _unit_rows(classes: int) -> np.ndarray:
    return np.eye(classes + 1, classes, dtype=np.float32)


def final_step_mask(batch: int, steps: int) -> np.ndarray:
    """The mask of a task that is asked once, at the last step."""
    mask = np.zeros((batch, steps), dtype=np.float32)
    mask[:, -1] = 1
    return mask


def known() -> dict[str, type[Task]]:
    """Every task by its name, those that need a file among them."""
    return classes(Task, "lstm_bench.tasks")


def registry() -> dict[str, type[Task]]:
    """The tasks that need no file: what `all` stands for."""
    return {name: cls for name, cls in known().items() if not cls.measured}


def find(name: object) -> type[Task]:
    """The task of this name, also one that needs a file. Raises BenchError."""
    every = known()
    if not isinstance(name, str) or name not in every:
        raise unknown("task", name, every)
    return every[name]


def create(name: str, options: Mapping[str, object] | None = None) -> Task:
    """The task of this name; the option `preset` stands for those of one of its presets.

    Raises BenchError for an unknown name, preset or option.
    """
    cls = find(name)
    chosen = dict(options or {})
    if (preset := chosen.pop("preset", None)) is not None:
        presets = cls.presets
        if not isinstance(preset, str) or preset not in presets:
            raise unknown(f"preset of task {name!r}:", preset, presets or ["(none)"])
        chosen = {**presets[preset], **chosen}
    return build(cls, cls.identified(chosen), f"task {name!r}")
