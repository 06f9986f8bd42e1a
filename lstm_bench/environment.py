"""Words that the environment may say, checked before a job is started. Standard library only."""

from __future__ import annotations

import os
from collections.abc import Sequence

from lstm_bench.errors import BenchError, unknown

ISA = "LSTM_BENCH_ISA"
TRITON = "LSTM_BENCH_TRITON"
CUDA_GRAPHS = "LSTM_BENCH_CUDA_GRAPHS"
CHECKPOINT_SECONDS = "LSTM_BENCH_CHECKPOINT_SECONDS"
WORDS = {  # the first is what an unset variable says
    ISA: ("auto", "off", "avx512", "avx2", "portable"),
    TRITON: ("off", "ieee", "tf32x3", "tf32", "bf16"),
    CUDA_GRAPHS: ("0", "1"),
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
