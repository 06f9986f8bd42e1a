"""What every task promises, as functions that fail with a sentence."""

from __future__ import annotations

from collections.abc import Callable

from lstm_bench.check.tasks.answers import (
    dates_milestones_between_ceiling_and_floor,
    knows_what_is_relevant_from_its_inputs,
    memoryless_looks_at_no_input,
    rewards_the_perfect_answer_alone,
    score,
    scores_what_is_asked_alone,
)
from lstm_bench.check.tasks.bounds import (
    expected_loss,
    is_beaten_by_no_clock,
    opens_its_window_from_floor_to_ceiling,
    simulates_its_ceiling,
    simulates_its_floor,
)
from lstm_bench.check.tasks.drawing import (
    asks_where_it_says,
    depends_on_its_generator_alone,
    describes_itself,
    differs_between_seeds,
    draw,
    has_the_documented_shapes,
    length,
    pads_with_zeros,
    possible,
    refuses_lengths_too_short,
)
from lstm_bench.check.tasks.windows import forgets_what_left_its_window
from lstm_bench.tasks import Task

__all__ = [
    "AT_A_LENGTH",
    "OF_FILES",
    "SIMULATED",
    "describes_itself",
    "draw",
    "ends",
    "expected_loss",
    "length",
    "lengths",
    "possible",
    "refuses_lengths_too_short",
    "score",
]

AT_A_LENGTH: tuple[Callable[[Task, int], None], ...] = (
    depends_on_its_generator_alone,
    differs_between_seeds,
    has_the_documented_shapes,
    asks_where_it_says,
    pads_with_zeros,
    memoryless_looks_at_no_input,
    rewards_the_perfect_answer_alone,
    scores_what_is_asked_alone,
    forgets_what_left_its_window,
    dates_milestones_between_ceiling_and_floor,
    knows_what_is_relevant_from_its_inputs,
)
OF_EXACT = (  # of tasks whose best answers are known
    rewards_the_perfect_answer_alone,
    forgets_what_left_its_window,
    dates_milestones_between_ceiling_and_floor,
    knows_what_is_relevant_from_its_inputs,
)
# where no score counts as solved
OF_FILES = tuple(each for each in AT_A_LENGTH if each not in OF_EXACT)
SIMULATED: tuple[Callable[..., None], ...] = (
    simulates_its_floor,
    simulates_its_ceiling,
    is_beaten_by_no_clock,
    opens_its_window_from_floor_to_ceiling,
)


def lengths(task: Task) -> list[int]:
    """Lengths the task can have, the shortest first."""
    middle = 2 * task.shortest + 5
    wanted = [task.shortest, task.shortest + 1, middle, *([30] if middle < 20 else [])]
    return [T for T in wanted if possible(task, T)]


def ends(task: Task) -> list[int]:
    """The shortest of them and the longest."""
    found = lengths(task)
    return sorted({found[0], found[-1]})
