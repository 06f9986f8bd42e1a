"""What a person sees while a training runs: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TextIO

from tqdm import tqdm

from lstm_bench.training.model import ReplicateBatch

LINE_EVERY = 10.0  # seconds between lines in a log


class Reporter:
    """Called after every update."""

    def __init__(self, model: ReplicateBatch, stream: TextIO = sys.stderr) -> None:
        self.stream, self.last_line, self.last_update = stream, time.monotonic(), model.update
        budget = model.condition.training.updates
        self.bar = None
        if stream.isatty():
            self.bar = tqdm(total=budget, initial=model.update, unit="update", file=stream)
        resumed = f", resumed at update {model.update}" if model.update else ""
        self._line(f"{model.condition.id} {model.block.name}{resumed}: {_summary(model)}")

    def __call__(self, model: ReplicateBatch) -> None:
        if self.bar is not None:
            self.bar.update(model.update - self.last_update)
            self.last_update = model.update
            if model.since_evaluation == 0:
                self.bar.set_postfix_str(_summary(model))
        elif time.monotonic() - self.last_line > LINE_EVERY:
            self._line(f"update {model.update}: {_summary(model)}")
            self.last_line = time.monotonic()

    def close(self, model: ReplicateBatch) -> None:
        if self.bar is not None:
            self.bar.close()
        self._line(f"update {model.update}, finished: {_summary(model)}")

    def _line(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a log on a full disk ends no training
            tqdm.write(text, file=self.stream)
            self.stream.flush()


def _summary(model: ReplicateBatch) -> str:
    """`3 training, 2 solved, validation loss 0.0123`."""
    states: dict[str, int] = {}
    for p in model.progress:
        state = p.status or "training"
        states[state] = states.get(state, 0) + 1
    losses = [p.validation_loss for p in model.progress if p.validation_loss is not None]
    text = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{text}, lowest validation loss {min(losses):.4g}" if losses else text
