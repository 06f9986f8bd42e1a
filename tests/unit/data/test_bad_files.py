"""A file that cannot be used is answered in one sentence with its name, row and column."""

from __future__ import annotations

import os
from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd
import pytest

from lstm_bench import tasks
from lstm_bench.errors import BenchError

RISING = "\n".join(f"{i},{i % 7}" for i in range(60))


def refused(task: str, path: Path, T: int = 4, **options: object) -> str:
    with pytest.raises(BenchError) as refusal:
        tasks.create(task, {"file": str(path), **options}).require(T)
    said = str(refusal.value)
    assert "\n" not in said
    assert len(said) < 300
    return said


def write(tmp_path: Path, text: str | bytes, name: str = "x.csv") -> Path:
    path = tmp_path / name
    path.write_bytes(text if isinstance(text, bytes) else text.encode())
    return path


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("", {}, ["x.csv", "is empty"]),
        ("a,b\n", {}, ["no row"]),
        (b"a,b\n1,\xff\n", {}, ["not text in utf-8", "0xff in line 2", "'encoding'"]),
        ("a,b\n1,2\n", {"encoding": "utf8x"}, ["'utf8x' is unknown"]),
        ("a,b\n1,2\n3,4,5\n", {}, ["not a table", "line 3"]),
        ("a,b\n1,2\n3\n", {}, ["row 2 has 1 of the 2 columns"]),
        (f"tmin,tmax\n{RISING}", {"target": "tmaxx"}, ["'tmaxx'", "did you mean 'tmax'?"]),
        (f"tmin,tmax\n{RISING}", {"columns": ["tmn"]}, ["'tmn'", "did you mean 'tmin'?"]),
        ("a,b\n1,2\n3,warm\n", {}, ["row 2, column 'b' is 'warm'"]),
        ("a,b\n1,2\n3,\n", {}, ["row 2, column 'b' has no finite number", "interpolate or drop"]),
        ("a,b\n1,2\n3,inf\n", {}, ["row 2, column 'b' has no finite number"]),
        ("a,b\n1,2\n3,4\n", {"missing": "ignore"}, ["missing", "'ignore'", "interpolate"]),
        ("a,b\n1,2\n1,4\n", {"time": "a"}, ["rows 1 and 2 have the same time in column 'a'"]),
        ("a,b\nmay,2\n1,4\n", {"time": "a"}, ["row 1, column 'a' is 'may'", "date"]),
        (f"a,b\n{RISING}", {"horizon": 9}, ["validation part", "rows", "horizon of 9", "T=4"]),
        ("a,b\n" + "1,2\n" * 99, {}, ["the target is 2 in every row"]),
        ("a\nx\ny\n", {}, ["no column holds numbers"]),
        (f"tmin,tmax\n{RISING}", {"horizon": 0}, ["horizon is 0", "at least 1"]),
    ],
)
def test_a_series_that_cannot_be_read(
    text: str | bytes, options: dict[str, object], said: list[str], tmp_path: Path
):
    sentence = refused("series", write(tmp_path, text), **options)
    assert all(part in sentence for part in said), sentence


def test_a_column_that_holds_the_target_of_later_rows_is_refused(tmp_path: Path):
    rng = np.random.default_rng(0)
    y = rng.normal(size=100)
    pd.DataFrame({"leak": np.append(y[1:], 0), "y": y}).to_csv(tmp_path / "x.csv", index=False)
    said = refused("series", tmp_path / "x.csv", target="y")
    assert "column 'leak' is the target 1 rows later" in said


def test_a_file_that_is_missing_or_none_or_too_large(tmp_path: Path):
    assert "is not a file" in refused("series", tmp_path / "none.csv")
    with pytest.raises(BenchError, match="has no file; name one"):
        tasks.create("series")
    with pytest.raises(BenchError, match=r"\['a'\] is not allowed"):
        tasks.create("series", {"file": ["a"]})
    huge = write(tmp_path, "a,b\n1,2\n")
    os.truncate(huge, 5 * 2**30)  # sparse: nothing of it is read
    assert "5.0 GiB" in refused("series", huge)


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (b"abc\xfe\n", {}, ["not text in utf-8", "0xfe in line 1"]),
        ("   \n \n", {}, ["white space"]),
        ("ab\0ab", {}, ["line 1", "code 0"]),
        ("aaaaaaaaaaaaaaaa", {}, ["1 characters"]),
        ("abababab", {}, ["validation part", "characters for pieces of 5"]),
    ],
)
def test_a_text_that_cannot_be_read(
    text: str | bytes, options: dict[str, object], said: list[str], tmp_path: Path
):
    sentence = refused("text", write(tmp_path, text, "x.txt"), **options)
    assert all(part in sentence for part in said), sentence


def test_a_text_of_one_word_has_nothing_to_learn(tmp_path: Path):
    said = refused("text", write(tmp_path, "word " * 99, "x.txt"), unit="word")
    assert "x.txt: its training part has 1 words that occur 2 times or more" in said
    assert "unit is 'letter'" in refused("text", tmp_path / "x.txt", unit="letter")


MANY = "\n".join(f"ab{i % 10}\tcd{i % 3}" for i in range(60))


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        ("source\ttarget\n", {}, ["no row"]),
        ("source,target\na,b\n", {}, ["x.tsv: column 'source' is unknown", "source,target"]),
        ("source\ttraget\na\tb\n", {}, ["column 'target'", "did you mean 'traget'?"]),
        ("source\ttarget\na\tb\nc\t \n", {}, ["row 2, column 'target' has no text"]),
        ("source\ttarget\na\tb\nc\n", {}, ["row 2 has 1 of the 2 columns"]),
        ("source\ttarget\na\tb\nc\td\te\n", {}, ["not a table", "line 3"]),
        (b"source\ttarget\na\t\xff\n", {}, ["not text in utf-8", "0xff in line 2"]),
        (f"source\ttarget\n{MANY}", {"group": "boook"}, ["column 'boook' is unknown"]),
        (f"source\ttarget\n{MANY}", {"T": 7}, ["T=7 is too long", "longest pair has 6 characters"]),
        (f"source\ttarget\n{MANY}", {"T": 5}, ["T=5", "train part has 0 pairs of at most 5"]),
        (f"source\ttarget\n{MANY}", {"T": 1}, ["T=1 is too short"]),
        (f"source\ttarget\n{MANY}", {"unit": "byte"}, ["unit is 'byte'", "character, word"]),
        (f"source\ttarget\n{MANY}", {"rarest": 99, "T": 6}, ["occurs 99 times or more"]),
    ],
)
def test_pairs_that_cannot_be_read(
    text: str | bytes, options: dict[str, Any], said: list[str], tmp_path: Path
):
    sentence = refused("pairs", write(tmp_path, text, "x.tsv"), **options)
    assert all(part in sentence for part in said), sentence


def sequences(*rows: str) -> str:
    return "\n".join(["sequence,x,label", *rows]) + "\n"


@pytest.mark.parametrize(
    ("text", "options", "said"),
    [
        (sequences("a,1,up", "b,2,up"), {}, ["every label is 'up'", "two classes"]),
        (sequences("a,1,up", "a,2,down"), {}, ["row 2", "changes within a sequence", "each: step"]),
        (sequences("a,1,up", "b,2,down", "a,1,up"), {}, ["row 3", "'a' again", "row 1"]),
        (sequences("a,1,up", "b,,down"), {}, ["row 2, column 'x' has no finite number"]),
        (sequences("a,1,up", "b,2,"), {}, ["row 2, column 'label' has no label"]),
        (sequences("a,1,up", "b,2,down"), {"label": "lable"}, ["'lable'", "'label'?"]),
        (sequences("a,1,up", "b,2,down"), {}, ["longest sequence has 1 steps, so T is 1"]),
    ],
)
def test_sequences_that_cannot_be_read(
    text: str, options: dict[str, object], said: list[str], tmp_path: Path
):
    sentence = refused("labelled", write(tmp_path, text), **options)
    assert all(part in sentence for part in said), sentence


def test_arrays_that_cannot_be_read(tmp_path: Path):
    path = tmp_path / "x.npz"
    np.savez(path, x=np.zeros((4, 3, 2)), z=np.zeros(4))
    assert "array 'y' is unknown" in refused("labelled", path)
    np.savez(path, x=np.zeros((4, 3, 2)), y=np.zeros(3))
    assert "x has the shape (4, 3, 2), y (3,)" in refused("labelled", path)
    np.savez(path, x=np.full((4, 3, 2), np.nan), y=np.arange(4))
    assert "finite numbers" in refused("labelled", path)
    path.write_bytes(b"PK no archive")
    assert "not an npz" in refused("labelled", path)
