"""Labels of the config in a figure: letter by letter, and in lines of a width that has a place."""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Any

import pandas as pd

LABELLED = ("task", "cell", "task_label", "cell_label")  # columns of tables that hold labels
LINE = 24


def as_drawn(value: Any) -> Any:
    """A label, or every label of a table, a list or a mapping, as it is given to matplotlib.

    Between two `$` matplotlib would set a formula, and fail where it is none; a long name would
    leave the page.
    """
    if isinstance(value, pd.DataFrame):
        shown = value.copy(deep=False)
        for column in [name for name in LABELLED if name in shown]:
            shown[column] = [as_drawn(each) for each in shown[column]]
        return shown
    if isinstance(value, list):
        return [as_drawn(each) for each in value]
    if isinstance(value, Mapping):
        return {key: as_drawn(each) for key, each in value.items()}
    if not isinstance(value, str):
        return value
    lines = [value[start : start + LINE] for start in range(0, len(value), LINE)]
    return "\n".join(lines).replace("$", r"\$")


def as_given(drawn: pd.DataFrame, labels: Iterable[str]) -> pd.DataFrame:
    """The columns of text with these labels as the config has them, long ones first."""
    found = drawn.copy()
    for label in sorted(set(labels), key=len, reverse=True):
        shown = " ".join(as_drawn(label).split())
        if shown != label:
            for column in ("column", "title", "x_axis", "y_axis", "series", "x_tick", "y_tick"):
                found[column] = found[column].str.replace(shown, label, regex=False)
    return found
