"""How much memory data from a file need: the loss against the number of past steps seen."""

from __future__ import annotations

from typing import Any

import pandas as pd

from lstm_bench.experiments.words import interval

UNKNOWN = "How much memory is needed cannot be told: the test part is too short for an interval."


def within(low: Any, high: Any, margin: float) -> Any:
    """Whether intervals of a ratio of losses lie in the margin: *tied*. Numbers or columns."""
    return (low > 1 / (1 + margin)) & (high < 1 + margin)


def steps_cut(T: int) -> tuple[int, ...]:
    """The steps that the history of a network is cut to: 1, 2, 3, 4, 6, 8, 12 ... below T."""
    powers = [2**i for i in range(T.bit_length())]
    return tuple(sorted({k for each in powers for k in (each, 3 * each) if k < T}))


def remembered(rows: pd.DataFrame, margin: float) -> dict[str, Any]:
    """What the rows of `data_answer.rows_of` say of memory.

    needed   the fewest past steps of which some answer is enough: the upper bound of its loss, over
             that of the best network, whatever that sees, lies below 1 + margin. 0: the answer
             without any input
    needed_by   whose answer, and needed_ratio, _low, _high: that loss
    used     of the best cell with a state: the fewest steps from which on every longer history is
             tied with the whole one, which is T where none is; used_by is its label
    needs    all that in words
    """
    seen = rows.dropna(subset=["past", "to_best_high"]).sort_values(["past", "to_best"])
    enough = seen[seen.to_best_high < 1 + margin]
    found: dict[str, Any] = {"needed": float("nan"), "needed_by": "", "used": float("nan")}
    found |= {f"needed_ratio{end}": float("nan") for end in ("", "_low", "_high")}
    found |= {"used_by": "", "needs": UNKNOWN}
    if enough.empty:
        return found
    first = enough.iloc[0]
    found |= {"needed": float(first.past), "needed_by": _answer(first)}
    found |= {f"needed_ratio{end}": float(first[f"to_best{end}"]) for end in ("", "_low", "_high")}
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
        if used < best.past:
            told.append(f"Beyond the last {_steps(used)} the past changes nothing for {best.cell}.")
        else:
            told.append(f"{best.cell} uses the whole window: a longer one may help.")
    return found | {"needs": " ".join(told)}


def _needed(first: pd.Series, before: pd.Series | None) -> str:
    ends = interval(first.to_best_low, first.to_best_high, "{:.3g}")
    told = f"Memory needed: {_steps(first.past)} ({_answer(first)}: × {first.to_best:.3g}{ends} "
    told += "the loss of the best network"
    if before is None:
        return f"{told})."
    ends = interval(before.to_best_low, before.to_best_high, "{:.3g}")
    return f"{told}; at best × {before.to_best:.3g}{ends} from fewer)."


def _answer(row: pd.Series) -> str:
    return f"{row.cell} cut to {row.past:.0f}" if row.kind == "cut" else str(row.cell)


def _steps(count: float) -> str:
    return f"{count:.0f} step" if count == 1 else f"{count:.0f} steps"
