"""What a claim is: one YAML file of `declared/`, read and checked before anything is trained."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass, field, fields, replace
from functools import cached_property, partial
from importlib import resources
from itertools import pairwise
from pathlib import Path

from lstm_bench import experiments
from lstm_bench.claims.statistics import (
    COLUMN,
    SHORTEST,
    Statistic,
    column_values,
    registry,
)
from lstm_bench.claims.votes import FEWEST_TASKS, MOST_CLAIMS
from lstm_bench.errors import BenchError, unknown
from lstm_bench.store.yamls import read_yaml
from lstm_bench.sweep import Choice

LECTURE = "lecture"  # the family of a claim that names none
FORMS: Mapping[str, tuple[type | tuple[type, ...], str]] = {  # of the fields of a claim
    "str": (str, "text"),
    "int": (int, "a whole number"),
    "float": ((int, float), "a number"),
    "Mapping": (Mapping, "a mapping"),
    "Sequence": ((list, tuple), "a list"),
}


@dataclass(frozen=True)
class Claim:
    """A sentence of the lecture and the test it has to stand.

    id          the file's name
    quote       the lecture's words
    statement   what is tested, in one sentence
    experiment  whose conditions and figure it rests on
    statistic   a name of `claims.statistics`, or `column` for one the experiment `measures`
    cells       the pair compared, first less second; one cell is compared with `threshold` alone
    threshold   supported is an effect above it, refuted one below, in the unit of the statistic
    family      claims that share its alpha: those of a family are tested at alpha together
    beside      pairs on which it ought to hold too (other cells, other initialisations):
                shown, deciding nothing; where one points the other way, the page says so
    tasks       labels, or all tasks of the sweep
    where       keeps rows with these values, one or a list of them: {T: [5, 10]}; T: shortest is
                the shortest length of each task
    column      with statistic `column`: which; it is `measured` so, and the effect is `told` by a
                pattern with {first}, {second} and {effect}
    scale       of that column: `difference` or `ratio`
    variants    by name, other values of `where`: shown beside, for the same cells
    caveats     what else could explain the effect, and what the comparison leaves open
    """

    id: str
    quote: str
    statement: str
    experiment: str
    statistic: str
    cells: Sequence[str]
    caveats: str
    threshold: float = 0.0
    alpha: float = 0.05
    family: str = LECTURE
    beside: Sequence[Sequence[str]] = ()
    tasks: Sequence[str] = ()
    order: int = 100
    column: str = ""
    where: Mapping[str, object] = field(default_factory=dict)
    scale: str = "difference"
    measured: str = ""
    told: str = ""
    variants: Mapping[str, Mapping[str, object]] = field(default_factory=dict)

    @cached_property
    def measure(self) -> Statistic:
        """The statistic, in the claim's own words where it has some."""
        if self.statistic != COLUMN:
            known = registry()[self.statistic]
            return replace(known, about=self.measured or known.about, told=self.told or known.told)
        ratio = self.scale == "ratio"
        values = partial(column_values, column=self.column, ratio=ratio)
        return Statistic(self.column, values, self.measured, self.told, "measured", ratio)


def read(path: Path) -> Claim:
    """The claim of a file. Raises BenchError in one sentence for whatever is wrong in it."""
    try:
        data = read_yaml(path)
    except (OSError, BenchError) as error:
        raise BenchError(
            f"claims: {str(path)!r} cannot be read ({str(error).rstrip('.')})."
        ) from None
    if not isinstance(data, Mapping):
        raise BenchError(f"claims: {str(path)!r} is no mapping of a claim's keys.")
    known = {each.name for each in fields(Claim)} - {"id"}
    for key in data:
        if key not in known:
            raise unknown(f"claim {path.stem!r}: key", key, known)
    needed = ("quote", "statement", "experiment", "statistic", "cells", "caveats")
    missing = [key for key in needed if not data.get(key)]
    if missing:
        raise BenchError(f"claim {path.stem!r}: the key {missing[0]!r} is missing or empty.")
    claim = Claim(id=path.stem, **data)
    _check_form(claim)
    return claim


def _check_form(claim: Claim) -> None:
    """Names that exist and numbers that can be judged."""
    where = f"claim {claim.id!r}:"
    for each in fields(claim):
        value, (kinds, form) = getattr(claim, each.name), FORMS[str(each.type).partition("[")[0]]
        if not isinstance(value, kinds) or isinstance(value, bool):
            raise BenchError(f"{where} {each.name} is {value!r}, but must be {form}.")
    if not claim.family.strip():
        raise BenchError(f"{where} family is {claim.family!r}, but must be a name.")
    if not 0 < claim.alpha < 1:
        raise BenchError(f"{where} alpha is {claim.alpha!r}, but must lie between 0 and 1.")
    for name, values in claim.variants.items():
        if not isinstance(values, Mapping) or not set(values) <= set(claim.where):
            raise BenchError(
                f"{where} variants: {name!r} is {values!r}, but must be a mapping of keys that "
                "`where` has."
            )
    for pair in (claim.cells, *claim.beside):
        listed = isinstance(pair, list | tuple) and all(isinstance(name, str) for name in pair)
        if not listed or len(pair) not in (1, 2):
            raise BenchError(f"{where} cells are {pair!r}, but must be a list of one or two names.")
    names: Mapping[str, Iterable[str]] = {
        "experiment": experiments.registry(),
        "statistic": [COLUMN, *registry()],
        "scale": ["difference", "ratio"],
    }
    for key, known in names.items():
        if getattr(claim, key) not in known:
            raise unknown(f"{where} {key}", getattr(claim, key), known)
    measures = experiments.registry()[claim.experiment].measures
    if claim.statistic == COLUMN and claim.column not in measures:
        raise unknown(f"{where} column", claim.column, measures or ["(none)"])
    if claim.statistic == COLUMN and not (claim.measured and claim.told):
        raise BenchError(f"{where} the statistic 'column' also needs the keys measured and told.")
    try:
        claim.told.format(first="", second="", effect="")
    except (KeyError, IndexError, ValueError):
        raise BenchError(
            f"{where} told is {claim.told!r}, but may only hold {{first}}, {{second}}, {{effect}}."
        ) from None


def declared(chosen: Iterable[str] | None = None) -> list[Claim]:
    """The claims of these names and files, every declared one without; in the lecture's order."""
    folder = Path(str(resources.files("lstm_bench.claims") / "declared"))
    # each is named by a word: what desktops and editors leave beside them is not
    own = {path.stem: path for path in sorted(folder.glob("*.yaml")) if path.stem.isidentifier()}
    if chosen is None:
        paths = list(own.values())
    else:
        paths = []
        for name in chosen:
            if not name.endswith((".yaml", ".yml")) and name not in own:
                raise unknown("claims:", name, own)
            paths.append(own.get(name, Path(name)))
    found = sorted((read(path) for path in paths), key=lambda claim: (claim.order, claim.id))
    for one, other in pairwise(found):
        if one.id == other.id:
            raise BenchError(f"claims: {one.id!r} is listed twice; names must differ.")
    for family, count in tested(found).items():
        if count > MOST_CLAIMS:
            raise BenchError(
                f"claims: {count} claims of the family {family!r} with a test are not allowed, but "
                f"at most {MOST_CLAIMS}: with more, a verdict takes more seeds than a sweep has; "
                "name those to judge."
            )
    return found


def tested(claims: Iterable[Claim]) -> dict[str, int]:
    """By family, how many of its claims have a test, in the order of the claims."""
    return dict(Counter(claim.family for claim in claims if not claim.measure.exact))


def require_known(claim: Claim, trained: Trained) -> None:
    """Raise BenchError for a cell or task that neither exists nor is a label of this sweep."""
    every_cell = [*claim.cells, *(name for pair in claim.beside for name in pair)]
    for what, names, known in (
        ("cell", every_cell, trained.known_cells),
        ("task", claim.tasks, trained.known_tasks),
    ):
        for name in names:
            if name not in trained.labels and name.partition("(")[0].strip() not in known:
                raise unknown(f"claim {claim.id!r}: {what}", name, [*known, *trained.labels])


def check(claim: Claim, asked: Sequence[str], trained: Trained) -> str:
    """Why this sweep cannot judge the claim, in one sentence; empty where it can."""
    labels = trained.labels
    if claim.experiment not in asked:
        return f"the experiment {claim.experiment!r} is not part of this sweep."
    missing = [f"cell {n!r}" for n in claim.cells if labels.get(n, n) not in trained.cells]
    missing += [f"task {n!r}" for n in claim.tasks if labels.get(n, n) not in trained.tasks]
    if missing:
        return f"the experiment {claim.experiment!r} does not train the {missing[0]}."
    lengths = [] if claim.where.get("T") == SHORTEST else claim.where.get("T", [])
    for T in lengths if isinstance(lengths, list | tuple) else [lengths]:
        if trained.lengths and T not in trained.lengths:
            return f"the experiment {claim.experiment!r} trains nothing at T = {T}."
    return ""


def too_few_tasks(claim: Claim, trained: Trained) -> str:
    """Why a claim can have no verdict whatever is found, in one sentence; empty where it can."""
    tasks = {trained.labels.get(name, name) for name in claim.tasks} or trained.tasks
    if claim.measure.exact or len(tasks) >= FEWEST_TASKS:
        return ""
    return (
        f"the experiment {claim.experiment!r} has {len(tasks)} task"
        f"{'' if len(tasks) == 1 else 's'} for it ({', '.join(sorted(tasks))}), but a verdict "
        f"takes {FEWEST_TASKS}."
    )


@dataclass(frozen=True)
class Trained:
    """What a sweep trains for one experiment.

    cells, tasks, lengths     labels, and T; of an experiment that trains nothing, the sweep's
    labels                    of every cell and task of the sweep: see `labels_of`
    known_cells, known_tasks  the names of all there are
    """

    cells: frozenset[str]
    tasks: frozenset[str]
    lengths: frozenset[int]
    labels: Mapping[str, str]
    known_cells: Sequence[str]
    known_tasks: Sequence[str]


def labels_of(cells: Iterable[Choice], tasks: Sequence[Choice]) -> dict[str, str]:
    """The label of every cell and task of a sweep, by label, by key and, of a task, by name.

    A label is its own; a key and a name are those of the first that has them.
    """
    every = [*cells, *tasks]
    labels = {task.name: task.shown for task in reversed(tasks)}
    labels |= {each.key: each.shown for each in reversed(every)}
    return labels | {each.shown: each.shown for each in every}
