"""What every cell promises, as functions of an instance that fail with a sentence."""

from __future__ import annotations

from collections.abc import Callable

from lstm_bench.cells.base import Cell
from lstm_bench.check.cells.axes import reads_its_axes_in_order
from lstm_bench.check.cells.describing import (
    describes_itself,
    has_bounded_gates,
    has_the_shapes_it_states,
    initialises_from_its_generator_alone,
    steps_to_a_state_of_the_same_shape,
)
from lstm_bench.check.cells.differentiating import (
    has_the_gradient_of_its_equations,
    stays_finite_at_its_initialisation,
)
from lstm_bench.check.cells.learning import learns_a_lag_of_one
from lstm_bench.check.cells.seeing import (
    carries_its_state,
    is_the_same_in_company,
    keeps_replicates_apart,
    keeps_sequences_apart,
    leaves_what_it_is_given,
    repeats_itself,
    sees_no_future,
)

__all__ = [
    "AT_ANY_WIDTH",
    "BY_STEP",
    "CONTRACTS",
    "EXPLAINS",
    "describes_itself",
    "has_bounded_gates",
]

CONTRACTS: tuple[Callable[[Cell], None], ...] = (
    initialises_from_its_generator_alone,
    has_the_shapes_it_states,
    steps_to_a_state_of_the_same_shape,
    repeats_itself,
    leaves_what_it_is_given,
    reads_its_axes_in_order,
    sees_no_future,
    keeps_sequences_apart,
    keeps_replicates_apart,
    carries_its_state,
    has_the_gradient_of_its_equations,
    stays_finite_at_its_initialisation,
    is_the_same_in_company,
    learns_a_lag_of_one,
)
# what follows where one of them is broken, and is not tried
EXPLAINS: dict[Callable[[Cell], None], tuple[Callable[[Cell], None], ...]] = {
    repeats_itself: (
        sees_no_future,
        keeps_sequences_apart,
        keeps_replicates_apart,
        carries_its_state,
        has_the_gradient_of_its_equations,
        is_the_same_in_company,
    ),
    reads_its_axes_in_order: (
        sees_no_future,
        keeps_sequences_apart,
        carries_its_state,
        learns_a_lag_of_one,
    ),
    carries_its_state: (learns_a_lag_of_one,),
}
BY_STEP = (steps_to_a_state_of_the_same_shape, leaves_what_it_is_given)
AT_ANY_WIDTH = tuple(
    each
    for each in CONTRACTS
    if each not in (stays_finite_at_its_initialisation, learns_a_lag_of_one)
)
