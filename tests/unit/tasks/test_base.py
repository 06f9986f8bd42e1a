"""What a plugin's task may still be called by."""

from __future__ import annotations

import gc
from dataclasses import dataclass

from lstm_bench.tasks.adding import Adding


def test_a_task_with_the_names_of_an_earlier_release_works():
    @dataclass(frozen=True)
    class Old(Adding):
        name = "old_names"

        def chance_loss(self, T: int) -> float:
            return 0.5

        def optimal_loss(self, T: int) -> float:
            return 0.25

        def target_steps(self, T: int) -> tuple[int, ...]:
            return (1, 2)

    old = Old()
    assert (old.chance_loss(10), old.optimal_loss(10)) == (0.5, 0.25)
    assert old.target_steps(10) == (1, 2)
    assert Adding().chance_loss(10) != 0.5
    del Old, old
    gc.collect()  # classes of tasks are found while they live
