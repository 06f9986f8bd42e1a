"""What became of a condition, in a sentence: solved, at the chance loss, diverged, too early."""

from __future__ import annotations

from typing import TYPE_CHECKING

from lstm_bench import tasks
from lstm_bench.spec import Condition

if TYPE_CHECKING:
    import pandas as pd

LEFT = 0.02  # share of the way from chance to optimal loss from which a replicate has left chance
FALLING = 0.02  # share of that way that the last quarter of a training must still gain
ABOVE = 1.05  # times the chance loss: worse than an answer without memory


def diagnose(condition: Condition, replicates: pd.DataFrame, curves: pd.DataFrame) -> str:
    """The replicates' most common fate and what it asks for, with chance loss and their losses."""
    task = tasks.create(condition.task, condition.task_options)
    ceiling, n = task.optimal_loss(condition.T), len(replicates)
    measured = replicates.floor.dropna()
    floor = float(measured.iloc[0]) if len(measured) else task.chance_loss(condition.T)
    told = f"Memoryless loss (chance loss) {floor:.4g}, perfect {ceiling:.4g}."
    solved = replicates[replicates.status == "solved"]
    failed = replicates[replicates.status.isin(["error", "timeout"])]
    diverged = replicates[replicates.status == "diverged"]
    if len(failed):
        row = failed.iloc[0]
        return f"{told} {len(failed)} of {n} ended in {row.status}: {row.reason}."
    if len(diverged):
        return (
            f"{told} {len(diverged)} of {n} diverged, the first at update "
            f"{int(diverged.trained_updates.min())}: try a smaller learning rate than "
            f"{condition.training.learning_rate:g}."
        )
    open_ = replicates[replicates.status != "solved"]
    fates = [
        _fate(row.best_validation_loss, curves[curves.seed == row.seed], floor, ceiling)
        for row in open_.itertuples()
    ]
    if task.measured:
        lowest = f"{open_.best_validation_loss.median():.3g} in the median"
        falling = sum("kept falling" in fate for fate, _ in fates)
        more = f"; {falling} of {n} still fell: more updates" if falling else ""
        return f"Loss without memory {floor:.4g} on validation, the lowest of {n} {lowest}{more}."
    if not fates:
        first, last = int(solved.updates_to_solve.min()), int(solved.updates_to_solve.max())
        when = f"{first}" if first == last else f"{first} to {last}"
        return f"{told} {n} of {n} solved it, after {when} updates."
    common = max(dict.fromkeys(fates), key=fates.count)
    count = fates.count(common)
    lowest = open_.best_validation_loss[[fate == common for fate in fates]].median()
    return (
        f"{told} {len(solved)} of {n} solved it; {count} {common[0]} (lowest loss "
        f"{lowest:.3g}{' in the median' if count > 1 else ''}): {common[1]}."
    )


def _fate(best: float, curve: pd.DataFrame, floor: float, ceiling: float) -> tuple[str, str]:
    """Of one replicate that did not solve the task: what it did, and what to try."""
    losses = curve.sort_values("update").validation_loss.dropna().to_numpy(float)
    quarter = max(len(losses) // 4, 1)
    before = losses[-2 * quarter : -quarter].mean() if len(losses) > 1 else best
    falling = before - losses[-quarter:].mean() > FALLING * (floor - ceiling)
    if best > ABOVE * floor:
        if falling:
            return (
                "had not come down to the chance loss yet",
                "more updates, or a larger learning rate",
            )
        return "stayed above the chance loss", "a smaller learning rate"
    if (floor - best) / (floor - ceiling) < LEFT:
        return "never left the chance loss", "more updates, another learning rate, or a shorter T"
    if falling:
        return "left the chance loss and kept falling", "more updates"
    return "left the chance loss and stopped falling", "another learning rate, or a wider network"
