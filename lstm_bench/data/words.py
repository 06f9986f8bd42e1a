"""Text of a file, and the sentence for one that is not text."""

from __future__ import annotations

import codecs
from pathlib import Path

from lstm_bench.errors import BenchError


def read_text(path: Path, encoding: str) -> str:
    """The characters of a file, line ends as one character each.

    Raises BenchError for a file that is not text in this encoding.
    """
    try:
        codecs.lookup(encoding)
        text = path.read_text(encoding=encoding)
    except (UnicodeError, LookupError) as error:
        raise not_text(path, encoding, error) from error
    if "\0" in text:
        place = text.index("\0")
        line = text.count("\n", 0, place) + 1
        raise BenchError(f"{path.name}: line {line} has a character of code 0: it is not a text.")
    if not text.strip():
        raise BenchError(f"{path.name}: the file has nothing but white space.")
    return text


def not_text(path: Path, encoding: str, error: Exception) -> BenchError:
    """The sentence for bytes that are no text in an encoding, or for an encoding nobody knows."""
    if isinstance(error, LookupError) and not isinstance(error, UnicodeError):
        return BenchError(f"encoding: {encoding!r} is unknown; for example utf-8 or latin-1.")
    where = ""
    try:
        path.read_bytes().decode(encoding)
    except UnicodeDecodeError as first:
        line = first.object.count(b"\n", 0, first.start) + 1
        where = f": byte {first.object[first.start]:#04x} in line {line}"
    except UnicodeError as first:
        where = f": {first}"
    return BenchError(
        f"{path.name}: the file is not text in {encoding}{where}; name its own with 'encoding'."
    )
