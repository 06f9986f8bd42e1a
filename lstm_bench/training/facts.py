"""What can be said of a condition before it is trained, beside what it is: sizes and criterion."""

from __future__ import annotations

from dataclasses import dataclass

from lstm_bench.engine.network import Network
from lstm_bench.spec import Condition
from lstm_bench.store.planned import PlannedCondition
from lstm_bench.tasks import Task
from lstm_bench.training.run import code_identity

BACKWARD = 3  # forward and backward together cost three forward passes


@dataclass(frozen=True)
class Facts:
    """What does not depend on T: `flops` are those of a step of one sequence, forward."""

    code: str
    parameters: int
    state_size: int
    flops: int
    solved_score: float
    score_name: str


def facts(condition: Condition, task: Task) -> Facts:
    """Of a condition, whose task this is. Raises BenchError for a cell that nobody knows."""
    network = Network.of(condition, task)
    return Facts(
        code=code_identity(condition),
        parameters=network.parameters,
        state_size=network.state_size,
        flops=network.flops,
        solved_score=task.solved_score,
        score_name=task.score_name,
    )


def describe(condition: Condition, task: Task, known: Facts) -> PlannedCondition:
    """What a plan says of a condition, but for what sizes its job."""
    return PlannedCondition(
        spec=condition,
        code=known.code,
        parameters=known.parameters,
        state_size=known.state_size,
        # of a whole batch through time
        flops_per_update=BACKWARD
        * known.flops
        * task.steps(condition.T)
        * condition.training.batch,
        solved_score=known.solved_score,
        score_name=known.score_name,
    )
