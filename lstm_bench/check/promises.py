"""What a promise is: a function that returns where it is kept and says what is wrong elsewhere."""

from __future__ import annotations

import random
from typing import Any

import numpy as np
import torch


class Broken(AssertionError):
    """A promise that is not kept, in a sentence with the number that shows it."""


def hold(kept: Any, sentence: str) -> None:
    """Raise Broken with this sentence unless `kept` is true."""
    if not kept:
        raise Broken(sentence)


def disturb_global_generators(seed: int) -> None:
    """Set the generators of random, numpy and torch, which nothing of the suite may draw from."""
    random.seed(seed)
    np.random.seed(seed)  # noqa: NPY002 (the legacy global state is what is to be disturbed)
    torch.manual_seed(seed)


def global_states() -> tuple[str, str, bytes]:
    """Where these generators are."""
    legacy = np.random.get_state()  # noqa: NPY002
    return repr(random.getstate()), repr(legacy), torch.get_rng_state().numpy().tobytes()
