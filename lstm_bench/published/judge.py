"""Ours against the paper's, by rules that were written down before anything was trained.

1. Success rate: reproduced where our Wilson 95 % interval contains the paper's rate. Too few
   successes are no verdict where our cap is below twice the paper's mean time.
2. Time to success: reproduced where our Kaplan-Meier median lies within a factor of two of the
   paper's mean, and only where the algorithm is the paper's (`Kind.REPLICA`).
3. A negative arm: nothing solved in our cap, and its control succeeds. Without the control it is
   not judged. A cap below the paper's is only evidence up to that cap.
"""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd

from lstm_bench.experiments.runs import ends_of, rate_of
from lstm_bench.published.base import Arm, Kind
from lstm_bench.stats.survival import time_to_solve

FACTOR = 2.0

REPRODUCED, NOT_REPRODUCED, OPEN = "reproduced", "not reproduced", "open"


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
    def of(cls, arm: Arm, runs: pd.DataFrame) -> Ours:
        """From the runs of an arm (`experiments.runs`); errors of the machine are left out of n."""
        training = arm.condition.training
        cap, judged = training.updates * training.batch, runs[runs.judged]
        times, rate, ends = judged.updates * training.batch, rate_of(runs), ends_of(runs)
        median = (float("nan"),) * 3
        if len(judged):
            time = time_to_solve(times.to_numpy(), judged.solved.to_numpy(), float(cap))
            median = (time.median, time.median_low, time.median_high)
        return cls(
            len(judged),
            int(rate["solved"]),
            rate["low"],
            rate["high"],
            *median,
            fastest=float(times[judged.solved].min()),
            slowest=float(times[judged.solved].max()),
            cap=cap,
            diverged=ends["diverged"],
            error=ends["error"],
            parameters=int(runs.parameters.iloc[0]),
        )

    @property
    def share(self) -> float:
        """Of those judged, the share that succeeded; NaN of none."""
        return self.solved / self.n if self.n else float("nan")


def rate_verdict(arm: Arm, ours: Ours, control: Ours | None = None) -> str:
    """Rules 1 and 3; empty where the paper gives no rate.

    control   of a negative arm, what the arm did that it `needs`
    """
    if not ours.n:
        return "no replicate could be judged"
    if arm.kind == Kind.CONTROL:
        return "not in the paper"
    if arm.kind == Kind.NEGATIVE:
        return _failure(arm, ours, control)
    rate = arm.published.rate
    if rate is None:
        return ""
    if ours.share_low <= rate <= ours.share_high:
        return REPRODUCED
    return _too_few(arm, ours) if ours.share_high < rate else NOT_REPRODUCED


def time_verdict(arm: Arm, ours: Ours) -> str:
    """Rule 2; empty where it does not apply."""
    mean = arm.published.sequences
    if mean is None or arm.kind != Kind.REPLICA or not ours.n:
        return ""
    if mean / FACTOR <= ours.median <= mean * FACTOR:
        return REPRODUCED
    return _too_few(arm, ours) if ours.median > ours.cap else NOT_REPRODUCED


def _too_few(arm: Arm, ours: Ours) -> str:
    """The verdict on too few successes or too late ones, which a low cap leaves open."""
    mean = arm.published.sequences
    if mean is not None and ours.cap < mean * FACTOR:
        return f"{OPEN}: cap {ours.cap:,} below {FACTOR:g} times the paper's mean"
    return NOT_REPRODUCED


def _failure(arm: Arm, ours: Ours, control: Ours | None) -> str:
    if ours.solved:
        return f"{NOT_REPRODUCED}: {ours.solved} of {ours.n} solved it"
    if control is None or 2 * control.solved < control.n:
        return f"not judged: the control ({arm.needs or 'none'}) does not succeed"
    tried = arm.published.more_than
    short = f", the paper tried {tried:,.0f}" if tried and tried > ours.cap else ""
    rate = f"true rate below {ours.share_high:.0%}"
    return f"{REPRODUCED} up to {ours.cap:,} sequences{short}; {rate}"


def overall(rates: pd.Series, times: pd.Series) -> str:
    """`Reproduced: 3 of 4 success rates and 1 of 3 times to success.`, from the arms' verdicts."""
    parts = []
    for verdicts, name in ((rates, "success rates"), (times, "times to success")):
        judged = verdicts[verdicts.str.startswith((REPRODUCED, NOT_REPRODUCED, OPEN))]
        if len(judged):
            parts.append(f"{judged.str.startswith(REPRODUCED).sum()} of {len(judged)} {name}")
    return f"Reproduced: {' and '.join(parts)}." if parts else "Nothing could be judged."
