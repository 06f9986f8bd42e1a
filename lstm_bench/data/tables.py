"""Tables of numbers: CSV and Parquet, checked cell by cell. Rows are counted from 1, no header."""

from __future__ import annotations

import contextlib
import csv
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from lstm_bench.data.words import not_text
from lstm_bench.errors import BenchError, unknown

if TYPE_CHECKING:
    import pandas as pd

PARQUET = (".parquet", ".pq")
Quoting = Literal[0, 3]  # of a table of text: where needed, or none
ABSENT = ("", "na", "n/a", "nan", "null", "none", "-nan", "?")  # what stands for a missing number


def read_table(path: Path, encoding: str, delimiter: str, quoted: bool = True) -> pd.DataFrame:
    """The table of a CSV or Parquet file; of a CSV every value is text.

    quoted   whether a value may stand in quotation marks, which are then none of its own

    Raises BenchError for a file that is not such a table, is ragged or has no row.
    """
    import pandas as pd

    name = path.name
    quoting: Quoting = csv.QUOTE_MINIMAL if quoted else csv.QUOTE_NONE
    try:
        if path.suffix.lower() in PARQUET:
            table = pd.read_parquet(path)
        else:
            table = pd.read_csv(
                path,
                dtype=str,
                keep_default_na=False,
                encoding=encoding,
                sep=delimiter,
                skipinitialspace=True,
                quoting=quoting,
            )
    except (UnicodeError, LookupError) as error:
        raise not_text(path, encoding, error) from error
    except pd.errors.EmptyDataError as error:
        raise BenchError(f"{name}: the file has no table in it.") from error
    except (pd.errors.ParserError, ValueError, OSError) as error:
        found = " ".join(str(error).split())
        raise BenchError(f"{name}: the file is not a table: {found}.") from error
    if table.empty:
        raise BenchError(f"{name}: the table has a header and no row below it.")
    if path.suffix.lower() not in PARQUET and (table.iloc[:, -1] == "").any():
        _require_whole_rows(path, encoding, delimiter, quoting)
    table.columns = [str(column).strip() for column in table.columns]
    return table


def _require_whole_rows(path: Path, encoding: str, delimiter: str, quoting: Quoting) -> None:
    """Raise BenchError for a row that ends early, which pandas fills up without a word."""
    with path.open(encoding=encoding, newline="") as file:
        rows = (row for row in csv.reader(file, delimiter=delimiter, quoting=quoting) if row)
        columns = len(next(rows))
        for number, row in enumerate(rows, start=1):
            if len(row) < columns:
                raise BenchError(
                    f"{path.name}: row {number} has {len(row)} of the {columns} columns that the "
                    "header has."
                )


def column_of(table: pd.DataFrame, column: str, path: Path) -> pd.Series:
    """A column by its name. Raises BenchError with the nearest name."""
    if column not in table:
        raise unknown(f"{path.name}: column", column, table.columns)
    return table[column]


def numbers(column: pd.Series, path: Path, decimal: str = ".") -> np.ndarray:
    """A column as float64, NaN where a number is missing or not finite.

    Raises BenchError for text, with its row and value.
    """
    import pandas as pd

    if pd.api.types.is_numeric_dtype(column) and not pd.api.types.is_bool_dtype(column):
        values = column.to_numpy(dtype=np.float64, na_value=np.nan)
        return np.where(np.isfinite(values), values, np.nan)
    text = column.astype("string").str.strip().fillna("")
    absent = text.str.lower().isin(ABSENT)
    written = text if decimal == "." else text.str.replace(decimal, ".", regex=False)
    known = pd.to_numeric(written.where(~absent), errors="coerce")
    values = known.to_numpy(np.float64, na_value=np.nan)
    bad = np.isnan(values) & ~absent.to_numpy()
    if bad.any():
        row = int(bad.argmax())
        raise BenchError(
            f"{path.name}: row {row + 1}, column {column.name!r} is {text.iloc[row]!r}, "
            "but must be a number."
        )
    return np.where(np.isfinite(values), values, np.nan)


def numeric_columns(table: pd.DataFrame, path: Path, decimal: str, but: Sequence[str]) -> list[str]:
    """Every column whose first value that is there is a number, but for those named in `but`."""
    found = []
    for name in table.columns.difference(list(but), sort=False):
        column = table[name]
        present = ~column.astype(str).str.strip().str.lower().isin(ABSENT)
        with contextlib.suppress(BenchError):
            if np.isfinite(numbers(column[present].iloc[:1], path, decimal)).any():
                found.append(str(name))
    return found


def times(column: pd.Series, path: Path) -> np.ndarray:
    """A time column as float64: numbers as they are, dates as seconds since 1970.

    Raises BenchError for what is neither, with its row and value.
    """
    import pandas as pd

    if pd.api.types.is_datetime64_any_dtype(column):
        dates: Any = column
    else:
        try:
            found = numbers(column, path)
        except BenchError:
            dates = pd.to_datetime(column, errors="coerce", utc=True, format="mixed")
        else:
            dates = None
    if dates is not None:
        known = ~dates.isna().to_numpy()
        seconds = pd.to_datetime(dates, utc=True).astype("int64").to_numpy() / 1e9
        found = np.where(known, seconds, np.nan)
    if np.isnan(found).any():
        row = int(np.isnan(found).argmax())
        raise BenchError(
            f"{path.name}: row {row + 1}, column {column.name!r} is {str(column.iloc[row])!r}, "
            "but must be a date or a number."
        )
    return found
