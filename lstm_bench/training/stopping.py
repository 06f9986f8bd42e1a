"""When a replicate stops, and what it is then called. Plain Python, one object a replicate."""

from __future__ import annotations

from dataclasses import dataclass, field

from lstm_bench.spec import Training


@dataclass
class Progress:
    """What has happened to one replicate so far; becomes its row."""

    seed: int
    status: str | None = None  # solved, unsolved, diverged, timeout, error; None while it trains
    reason: str = ""
    update: int = 0
    updates_to_solve: int | None = None
    stayed: bool | None = None
    best_loss: float | None = None
    best_update: int | None = None
    validation_loss: float | None = None
    validation_score: float | None = None
    milestones: dict[str, int | None] = field(default_factory=dict)
    train_seconds: float = 0.0
    seconds_to_solve: float | None = None
    after_solving: list[bool] = field(default_factory=list)

    def finish(self, status: str, reason: str, update: int) -> None:
        """Give it its status; one that has met the criterion stays solved, whatever came after."""
        if self.updates_to_solve is not None and status in ("diverged", "timeout"):
            status, reason, self.stayed = "solved", f"then {status}", False
        self.status, self.reason, self.update = status, reason, update


@dataclass(frozen=True)
class StoppingRule:
    """The rule of `spec.Training`, with a task's solved score, measured chance and optimal loss."""

    training: Training
    solved_score: float
    floor: float
    milestones: dict[str, float]
    ceiling: float = 0.0

    def observe(self, p: Progress, update: int, loss: float, score: float) -> None:
        """Take in one evaluation on validation; sets `p.status` when the replicate stops."""
        p.update, p.validation_loss, p.validation_score = update, loss, score
        if p.best_loss is None or loss < p.best_loss:
            p.best_loss, p.best_update = loss, update
        for name, level in self.milestones.items():
            if p.milestones.get(name) is None:
                p.milestones[name] = update if loss < level else None
        solved = score >= self.solved_score
        if p.updates_to_solve is not None:
            p.after_solving.append(solved)
        elif solved and update > 0:
            p.updates_to_solve, p.seconds_to_solve = update, p.train_seconds
        self._stop(p, update)

    def _stop(self, p: Progress, update: int) -> None:
        t = self.training
        over = update >= t.updates
        if t.stop == "budget" and not over:
            return
        if p.updates_to_solve is not None:
            if len(p.after_solving) >= t.patience or over:
                p.stayed = all(p.after_solving) if p.after_solving else None
                p.finish("solved", "", update)
        elif over:
            p.finish("unsolved", "budget", update)
        elif update >= t.futility_after * t.updates and self._futile(p):
            p.finish("unsolved", "futile", update)

    def _futile(self, p: Progress) -> bool:
        assert p.best_loss is not None
        margin = self.training.futility_margin * (self.floor - self.ceiling)
        return p.best_loss > self.floor - margin
