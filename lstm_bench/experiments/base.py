"""What an experiment is: a question, the conditions it needs, and the answer it draws from them."""

from __future__ import annotations

import inspect
from abc import ABC, abstractmethod
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field
from functools import cached_property
from typing import ClassVar

import pandas as pd

from lstm_bench.experiments.runs import NOT_TRIED, make_runs
from lstm_bench.experiments.settings import NO_SETTINGS, OwnTasks, Settings
from lstm_bench.plotting.figure import Figure
from lstm_bench.registry import classes
from lstm_bench.spec import Condition, SeedBlock
from lstm_bench.store.planned import PlannedCondition
from lstm_bench.sweep import Choice, Member, Sweep

NOTHING = "No replicate could be judged: see how the runs ended."


@dataclass(frozen=True)
class Evidence:
    """What an experiment judges from.

    replicates, curves, timing   as stored, one row a replicate (or point) and arm, with its
                                 `task_label`, `cell_label` and factors; `runs` joins them
    probe                        the measurements of the experiment's probe, or None
    tasks, cells                 labels in the order of the config
    plan                         the plan's own entries by condition id (parameters, flops, ...)
    others                       the tables of the experiments in `reads` that are there
    trials                       of the searches it asks for, one row a learning rate and length
    """

    replicates: pd.DataFrame
    curves: pd.DataFrame
    timing: pd.DataFrame
    probe: pd.DataFrame | None
    tasks: list[str]
    cells: list[str]
    plan: Mapping[str, PlannedCondition]
    others: Mapping[str, pd.DataFrame] = field(default_factory=dict)
    trials: pd.DataFrame = field(default_factory=pd.DataFrame)

    @cached_property
    def runs(self) -> pd.DataFrame:
        """One row a replicate, with its labels and factors: see `runs.make_runs`."""
        return make_runs(self.replicates, self.timing, self.plan)

    @property
    def judged(self) -> bool:
        """Whether any replicate ended without an error; true where none was to be trained."""
        ended = self.replicates.status
        return self.replicates.empty or not ended.isin(["error", NOT_TRIED]).all()


@dataclass(frozen=True)
class Experiment(ABC):
    """One question. To add one, subclass it in this package and name it in config.yaml.

    The docstring of the subclass is the text of the report: its first line the title, the paragraph
    after it the question, and the rest the method, how it is measured.
    """

    name: ClassVar[str]
    version: ClassVar[int] = 1
    title: ClassVar[str] = ""
    question: ClassVar[str] = ""
    method: ClassVar[str] = ""
    probe: ClassVar[str | None] = None
    reads: ClassVar[tuple[str, ...]] = ()  # experiments whose table it joins, where it is there
    measures: ClassVar[tuple[str, ...]] = ()  # columns of `measured` a claim may rest on
    untrained: ClassVar[tuple[str, ...]] = ()  # of these, what is known before any training
    shared: ClassVar[tuple[str, ...]] = ()  # factors of which one condition may have several values
    steps: ClassVar[bool] = False  # it asks for single steps: layers of whole sequences have none
    on_request: ClassVar[bool] = False  # planned with every config, run when asked for by name
    of_files: ClassVar[bool] = False  # whether it judges tasks from files; the others do not
    beside: ClassVar[bool] = False  # shown on the page once it was run, though no config lists it
    settings: Settings = NO_SETTINGS  # a subclass of its own has the keys of its section
    named: frozenset[str] = frozenset()  # keys that the user's own config sets, none inherited

    def __init_subclass__(cls) -> None:
        text = inspect.cleandoc(vars(cls).get("__doc__") or "")
        paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
        title, question, method = paragraphs[0], paragraphs[1:2], paragraphs[2:]
        texts = {"title": title, "question": "".join(question), "method": "\n\n".join(method)}
        for name, value in texts.items():
            if value and name not in vars(cls):
                setattr(cls, name, value)

    @property
    def tasks(self) -> tuple[Choice, ...]:
        """The experiment's own tasks; empty where it uses those of the sweep."""
        return self.settings.tasks if isinstance(self.settings, OwnTasks) else ()

    def members(self, sweep: Sweep) -> Iterable[Member]:
        """The conditions this question needs trained."""
        return ()

    def searches(self, sweep: Sweep) -> Iterable[tuple[Choice, Choice, list[Condition]]]:
        """Learning rates to be searched: task, cell, and a condition for each length in turn."""
        return ()

    def blocks(self, sweep: Sweep) -> list[SeedBlock]:
        """The seed blocks of each of them."""
        return sweep.blocks()

    def probe_settings(self, sweep: Sweep) -> dict[str, object]:
        """The parameters of the probe."""
        return {}

    @abstractmethod
    def table(self, evidence: Evidence) -> pd.DataFrame:
        """The numbers of the figure, one row a point, with n and intervals."""

    def measured(self, evidence: Evidence) -> pd.DataFrame:
        """One row per task, cell and seed (and T, size, ... where they vary), columns `measures`.

        A claim about the statistic `column` is judged by these rows. By default they are those of
        `table`, which is right where it has one row per seed.
        """
        return self.table(evidence)

    def nothing(self, evidence: Evidence) -> str:
        """Why there is nothing to conclude, a sentence: the answer where the table has no row."""
        return NOTHING

    @abstractmethod
    def summary(self, table: pd.DataFrame, evidence: Evidence) -> pd.DataFrame:
        """The few rows a reader looks for."""

    def display(self, summary: pd.DataFrame) -> pd.DataFrame:
        """The summary as the report shows it."""
        return summary

    @abstractmethod
    def verdict(self, table: pd.DataFrame, summary: pd.DataFrame) -> dict[str, object]:
        """At least `answer`, one sentence with the numbers in it."""

    @abstractmethod
    def figure(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """The figure as data, from the table where it can: see `plotting.figure`.

        Its title is the finding; what needs more than six panels belongs in the `supplement`.
        """

    def supplement(self, table: pd.DataFrame, summary: pd.DataFrame, evidence: Evidence) -> Figure:
        """What stands beside the figure, folded away on the page; an experiment need not have it.

        Declared like `figure`, drawn to supplement.svg, .pdf, .png and .csv.
        """
        raise NotImplementedError

    @classmethod
    def supplemented(cls) -> bool:
        """Whether the class has a supplement."""
        return cls.supplement is not Experiment.supplement


def stored_weights(
    experiment: Experiment, sweep: Sweep, members: Sequence[Member] = ()
) -> dict[str, object]:
    """The settings of a probe that reads trained weights: of these `members`, or of all."""
    members = list(members or experiment.members(sweep))
    return {
        "members": [
            {
                "task": m.task,
                "cell": m.cell,
                "names": [m.condition.task, m.condition.cell],
                "condition": m.condition.id,
            }
            for m in members
        ],
        "runs": [
            [m.condition.id, block.name] for m in members for block in experiment.blocks(sweep)
        ],
    }


def registry() -> dict[str, type[Experiment]]:
    return classes(Experiment, "lstm_bench.experiments")
