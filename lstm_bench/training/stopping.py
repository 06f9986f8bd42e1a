"""When a replicate stops, and what it is then called. Plain Python, one object a replicate.

*Solved at u*: the task's criterion is met on the replicate's own validation sequences at update u
and at the next evaluation at least `APART` updates later, and then on fresh ones (confirmation).
A first crossing alone is often a noisy score: on adding at T = 10 ten of ten Elman networks cross
and none stays.
"""

from __future__ import annotations

from dataclasses import dataclass, field

from lstm_bench.spec import Training

APART = 25  # updates between the two evaluations that must meet the criterion


@dataclass
class Progress:
    """What has happened to one replicate so far; becomes its row.

    chance_loss, optimal_loss   of its own validation sequences
    spent           updates at the shorter lengths of a curriculum; all others are of T alone
    met             (update, seconds) of evaluations that met the criterion and wait for a second
    confirmations   how often fresh sequences were asked
    """

    seed: int
    chance_loss: float | None = None
    optimal_loss: float | None = None
    status: str | None = None  # solved, unsolved, diverged, timeout, error; None while it trains
    reason: str = ""
    update: int = 0
    updates_to_solve: int | None = None
    confirmations: int = 0
    best_loss: float | None = None
    best_update: int | None = None
    validation_loss: float | None = None
    validation_score: float | None = None
    milestones: dict[str, int | None] = field(default_factory=dict)
    train_seconds: float = 0.0
    seconds_to_solve: float | None = None
    met: list[tuple[int, float]] = field(default_factory=list)
    spent: int = 0

    def finish(self, status: str, reason: str, update: int) -> None:
        """Give it its status; one that has solved the task has, whatever came after."""
        if self.updates_to_solve is not None and status in ("diverged", "timeout"):
            status, reason = "solved", f"then {status}"
        self.status, self.reason, self.update = status, reason, update

    def solve(self, met: tuple[int, float]) -> None:
        """It was confirmed: solved at this evaluation."""
        self.updates_to_solve, self.seconds_to_solve = met


@dataclass(frozen=True)
class StoppingRule:
    """The rule of `spec.Training`, with a task's criterion and milestones."""

    training: Training
    solved_score: float
    milestones: dict[str, float]

    def observe(
        self, p: Progress, update: int, loss: float, score: float
    ) -> tuple[int, float] | None:
        """Take in one evaluation on validation.

        Returns the earlier evaluation (update, seconds) that this one bears out, if one does: it is
        the one at which the task is solved, once fresh sequences agree.
        """
        p.update, p.validation_loss, p.validation_score = update, loss, score
        if p.best_loss is None or loss < p.best_loss:
            p.best_loss, p.best_update = loss, update
        for name, level in self.milestones.items():
            if p.milestones.get(name) is None:
                p.milestones[name] = update if loss < level else None
        if p.updates_to_solve is not None or update == 0:
            return None
        if self.training.confirmation_size is None:
            return (update, p.train_seconds) if self.meets(score) else None
        due = [each for each in p.met if update - each[0] >= APART]
        p.met = [each for each in p.met if update - each[0] < APART]
        if not self.meets(score):
            return None
        p.met.append((update, p.train_seconds))
        return due[0] if due else None

    def meets(self, score: float) -> bool:
        """Whether a score meets the task's criterion."""
        return score >= self.solved_score

    def stop(self, p: Progress, update: int) -> None:
        """Set `p.status` when the replicate stops after this evaluation."""
        t = self.training
        over = update >= t.share
        if t.stop == "budget" and not over:
            return
        if p.updates_to_solve is not None:
            p.finish("solved", "", update)
        elif over:
            p.finish("unsolved", "budget", update)
        elif update >= t.futility_after * t.share and self._futile(p):
            p.finish("unsolved", "futile", update)

    def _futile(self, p: Progress) -> bool:
        assert p.best_loss is not None
        assert p.chance_loss is not None
        assert p.optimal_loss is not None
        margin = self.training.futility_margin * (p.chance_loss - p.optimal_loss)
        return p.best_loss > p.chance_loss - margin
