"""What the shell says, checked before a job is started, and what it may not decide.

Standard library only.
"""

from __future__ import annotations

import getpass
import os
import re
import sys
import tempfile
from collections.abc import Sequence
from contextlib import suppress
from importlib.metadata import PackageNotFoundError, requires, version
from pathlib import Path

from lstm_bench.errors import BenchError, unknown

ISA = "LSTM_BENCH_ISA"
TRITON = "LSTM_BENCH_TRITON"
CUDA_GRAPHS = "LSTM_BENCH_CUDA_GRAPHS"
CHECKPOINT_SECONDS = "LSTM_BENCH_CHECKPOINT_SECONDS"
# what a folder with a random.py, a locale and a notebook's choice of windows would change otherwise
OWN = {"PYTHONSAFEPATH": "1", "PYTHONUTF8": "1", "MPLBACKEND": "agg"}
WORDS = {  # the first is what an unset variable says
    ISA: ("auto", "off", "avx512", "avx2", "portable"),
    TRITON: ("ieee", "off", "tf32x3", "tf32", "bf16"),
    CUDA_GRAPHS: ("1", "0"),
}


def word(variable: str) -> str:
    """What a variable says, in lower case. Raises BenchError for none of its words."""
    allowed: Sequence[str] = WORDS[variable]
    said = os.environ.get(variable, "").strip().lower() or allowed[0]
    if said not in allowed:
        raise unknown(variable, os.environ[variable], allowed)
    return said


def checkpoint_seconds() -> float:
    """Seconds between checkpoints. Raises BenchError for what is no number of at least 0."""
    said = os.environ.get(CHECKPOINT_SECONDS, "").strip() or "15"
    try:
        seconds = float(said)
    except ValueError:
        seconds = -1.0
    if not seconds >= 0:
        raise BenchError(
            f"{CHECKPOINT_SECONDS}: {said!r} is not allowed; it must be a number of at least 0."
        )
    return seconds


def check() -> None:
    """Raise BenchError for the first variable that says what is not allowed."""
    for variable in WORDS:
        word(variable)
    checkpoint_seconds()


def isolate() -> None:
    """Have this process's children take modules, encodings and windows from Python alone.

    A plugin saved as random.py or copy.py lies in the folder in which they work. Where the user has
    neither name nor home, they get a number and a private folder.
    """
    os.environ.update(OWN)
    try:
        Path.home(), getpass.getuser()
    except (RuntimeError, KeyError, OSError):  # a container's user that no file knows
        os.environ.setdefault("USER", str(os.getuid()))
        os.environ.setdefault("HOME", str(_home()))


def _home() -> Path:
    """A private folder for what libraries keep in a home folder."""
    folder = Path(tempfile.gettempdir()) / f"lstm_bench-{os.getuid()}"
    for each in (folder, folder / "home"):
        with suppress(OSError):  # it is there
            each.mkdir(mode=0o700)
    mine = folder.is_dir() and folder.lstat().st_uid == os.getuid()
    return folder / "home" if mine else Path("/nonexistent")


def require_installed() -> None:
    """Raise BenchError where a package that a sweep needs is not installed beside the suite."""
    try:
        every = requires("lstm-bench") or ()
        needed = [each for each in every if "extra ==" not in each or 'extra == "sweep"' in each]
    except PackageNotFoundError:
        needed = ["lstm-bench"]
    for requirement in needed:
        name = re.split(r"[^\w.-]", requirement, maxsplit=1)[0]
        try:
            version(name)
        except PackageNotFoundError:
            raise BenchError(
                f"{name} is not installed in {sys.prefix}, where this runs; install the suite "
                "there (pip install -e '.[sweep]' in its folder), or activate the environment that "
                "has it."
            ) from None
