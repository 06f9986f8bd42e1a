"""How much memory data from a file need: the loss against the number of past steps seen."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lstm_bench.experiments.words import interval

ENDS = ("", "_low", "_high")
UNKNOWN = "How much memory is needed cannot be told: the test part is too short for an interval."


def within(low: Any, high: Any, margin: float) -> Any:
    """Whether intervals of a ratio of losses lie in the margin: *tied*. Numbers or columns."""
    return (low > 1 / (1 + margin)) & (high < 1 + margin)


def steps_cut(T: int, beyond: bool = False) -> tuple[int, ...]:
    """The steps that the history of a network is cut to: 1, 2, 3, 4, 6, 8, 12 ... below T.

    beyond   and T, where the state has seen more
    """
    powers = [2**i for i in range(T.bit_length())]
    below = {k for each in powers for k in (each, 3 * each) if k < T}
    return tuple(sorted(below | ({T} if beyond else set())))


def remembered(rows: pd.DataFrame, margin: float) -> dict[str, Any]:
    """What the rows of `data_answer.rows_of` say of memory.

    needed   the fewest past steps of which some answer is enough: the upper bound of its loss, over
             that of the best network, whatever that sees, lies below 1 + margin. 0: the answer
             without any input; unknown where none is enough
    needed_by   whose answer, and needed_ratio, _low, _high: that loss
    used     of the best cell with a state: the fewest steps from which on every longer history is
             tied with the whole one, which is T where none is, and unknown where its state is
             carried along and none is; used_by is its label
    needs    all that in words
    """
    seen = rows.dropna(subset=["past", "to_best_high"]).sort_values(["past", "to_best"])
    enough = seen[seen.to_best_high < 1 + margin]
    found: dict[str, Any] = {"needed": float("nan"), "needed_by": "", "used": float("nan")}
    found |= {f"needed_ratio{end}": float("nan") for end in ENDS}
    found |= {"used_by": "", "needs": UNKNOWN}
    if seen.empty:
        return found
    if enough.empty:  # the best network has seen more: its state is carried along
        least = seen.loc[seen.to_best.idxmin()]
        told = [f"Memory needed: more than {_steps(seen.past.max())} ({_over_best(least)})."]
    else:
        first = enough.iloc[0]
        found |= {"needed": float(first.past), "needed_by": _answer(first)}
        found |= {f"needed_ratio{end}": float(first[f"to_best{end}"]) for end in ENDS}
        shorter = seen[seen.past < first.past]
        before = shorter.loc[shorter.to_best.idxmin()] if len(shorter) else None
        told = [_needed(first, before)]
    with_state = rows[(rows.kind == "network") & rows.memory.eq(True)]
    cuts = rows[rows.kind == "cut"]
    if len(with_state) and len(cuts):
        best = with_state.loc[with_state.loss.idxmin()]
        own = cuts[cuts.cell == best.cell].sort_values("past", ascending=False)
        tail = own.past[within(own.to_own_low, own.to_own_high, margin).cummin()]
        used = float(tail.min() if len(tail) else best.past)
        found |= {"used": used, "used_by": best.cell}
        if pd.isna(used):  # a state that is carried along
            told.append(f"{best.cell} uses more than the last {_steps(own.past.max())}.")
        elif pd.isna(best.past) or used < best.past:
            told.append(f"Beyond the last {_steps(used)} the past changes nothing for {best.cell}.")
        else:
            told.append(f"{best.cell} uses the whole window: a longer one may help.")
    return found | {"needs": " ".join(told)}


def _needed(first: pd.Series, before: pd.Series | None) -> str:
    told = f"Memory needed: {_steps(first.past)} ({_over_best(first)}"
    if before is None:
        return f"{told})."
    ends = interval(before.to_best_low, before.to_best_high, "{:.3g}")
    return f"{told}; at best × {before.to_best:.3g}{ends} from fewer)."


def _over_best(row: pd.Series) -> str:
    ends = interval(row.to_best_low, row.to_best_high, "{:.3g}")
    return f"{_answer(row)}: × {row.to_best:.3g}{ends} the loss of the best network"


def _answer(row: pd.Series) -> str:
    return f"{row.cell} cut to {row.past:.0f}" if row.kind == "cut" else str(row.cell)


def _steps(count: float) -> str:
    return f"{count:.0f} step" if count == 1 else f"{count:.0f} steps"
