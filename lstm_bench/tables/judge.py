"""Ours against the paper's, by rules that were written down before anything was trained.

1. Success rate: reproduced where our Wilson 95 % interval contains the paper's rate. Too few
   successes are no verdict where our cap is below twice the paper's mean time.
2. Time to success: reproduced where our Kaplan-Meier median lies within a factor of two of the
   paper's mean, and only where the algorithm is the paper's (`REPLICA`).
3. A negative arm: nothing solved in our cap, and its control succeeds. Without the control it is
   not judged. A cap below the paper's is only evidence up to that cap.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pandas as pd

from lstm_bench.stats.rates import wilson
from lstm_bench.stats.survival import time_to_solve
from lstm_bench.tables.base import CONTROL, NEGATIVE, REPLICA, Arm

FACTOR = 2.0

REPRODUCED, NOT_REPRODUCED = "reproduced", "not reproduced"


@dataclass(frozen=True)
class Ours:
    """What our replicates did; times are training sequences, censored at `cap`."""

    n: int
    solved: int
    share_low: float
    share_high: float
    median: float
    median_low: float
    median_high: float
    fastest: float
    slowest: float
    cap: int
    diverged: int
    error: int
    parameters: int

    @classmethod
    def of(cls, arm: Arm, replicates: pd.DataFrame, parameters: int) -> Ours:
        """From the rows of an arm's replicates; errors of the machine are left out of n."""
        batch, cap = arm.condition.training.batch, arm.condition.training.updates
        judged = replicates[replicates.status != "error"]
        event = (judged.status == "solved").to_numpy()
        n, k = len(judged), int(event.sum())
        low, high = wilson(k, n)
        updates = judged.updates_to_solve.astype(float).where(event, cap).to_numpy()
        solved_at = updates[event] * batch
        time = time_to_solve(updates * batch, event, float(cap * batch)) if n else None
        nan = float("nan")
        return cls(
            n=n,
            solved=k,
            share_low=low,
            share_high=high,
            median=time.median if time else nan,
            median_low=time.median_low if time else nan,
            median_high=time.median_high if time else nan,
            fastest=float(np.min(solved_at)) if k else nan,
            slowest=float(np.max(solved_at)) if k else nan,
            cap=cap * batch,
            diverged=int((judged.status == "diverged").sum()),
            error=len(replicates) - n,
            parameters=parameters,
        )


def rate_verdict(arm: Arm, ours: Ours) -> str:
    """Rule 1; empty where the paper gives no rate."""
    rate = arm.published.rate if arm.published else None
    if rate is None or arm.kind == NEGATIVE or not ours.n:
        return ""
    if ours.share_low <= rate <= ours.share_high:
        return REPRODUCED
    return _open(arm, ours) if ours.share_high < rate else NOT_REPRODUCED


def _open(arm: Arm, ours: Ours) -> str:
    """The verdict on too few or too late, which a low cap leaves open."""
    mean = arm.published.sequences if arm.published else None
    if mean is not None and ours.cap < mean * FACTOR:
        return f"open: cap {ours.cap:,} below {FACTOR:g} times the paper's mean"
    return NOT_REPRODUCED


def time_verdict(arm: Arm, ours: Ours) -> str:
    """Rule 2; empty where it does not apply."""
    mean = arm.published.sequences if arm.published else None
    if mean is None or arm.kind != REPLICA or not ours.n:
        return ""
    if mean / FACTOR <= ours.median <= mean * FACTOR:
        return REPRODUCED
    return _open(arm, ours) if ours.median > ours.cap else NOT_REPRODUCED


def negative_verdict(arm: Arm, ours: Ours, everyone: Mapping[str, Ours]) -> str:
    """Rule 3; empty for other arms."""
    if arm.kind != NEGATIVE or not ours.n:
        return ""
    if ours.solved:
        return f"{NOT_REPRODUCED}: {ours.solved} of {ours.n} solved it"
    control = everyone.get(arm.needs)
    if control is None or 2 * control.solved < control.n:
        return f"not judged: the control ({arm.needs or 'none'}) does not succeed"
    tried = arm.published.more_than if arm.published else None
    short = f", the paper tried {tried:,.0f}" if tried and tried > ours.cap else ""
    rate = f"true rate below {ours.share_high:.0%}"
    return f"{REPRODUCED} up to {ours.cap:,} sequences{short}; {rate}"


def verdicts(arms: Sequence[Arm], found: Mapping[str, Ours]) -> dict[str, dict[str, str]]:
    """For every arm the verdicts on rate and time, or the one on a failure."""
    judged: dict[str, dict[str, str]] = {}
    for arm in arms:
        ours = found[arm.label]
        negative = negative_verdict(arm, ours, found)
        judged[arm.label] = {
            "rate": negative or rate_verdict(arm, ours),
            "time": time_verdict(arm, ours),
        }
        if arm.kind == CONTROL:
            judged[arm.label] = {"rate": "not in the paper", "time": ""}
        if not ours.n:
            judged[arm.label] = {"rate": "no replicate could be judged", "time": ""}
    return judged


def overall(arms: Sequence[Arm], judged: Mapping[str, Mapping[str, Any]]) -> str:
    """`3 of 4 success rates and 1 of 3 times reproduced`."""
    parts = []
    for kind, name in (("rate", "success rates"), ("time", "times to success")):
        told = [judged[arm.label][kind] for arm in arms if arm.kind != CONTROL]
        counted = [t for t in told if t.startswith((REPRODUCED, NOT_REPRODUCED, "open"))]
        if counted:
            held = sum(t.startswith(REPRODUCED) for t in counted)
            parts.append(f"{held} of {len(counted)} {name}")
    return f"Reproduced: {' and '.join(parts)}." if parts else "Nothing could be judged."
