"""What a person sees while a training runs: a bar on a terminal, plain lines in a log."""

from __future__ import annotations

import contextlib
import sys
import time
from typing import TextIO

from tqdm import tqdm

from lstm_bench.training.ensemble import Ensemble

LINE_EVERY = 10.0  # seconds between lines in a log


class Reporter:
    """Called after every update."""

    def __init__(self, ensemble: Ensemble, stream: TextIO = sys.stderr) -> None:
        self.stream, self.last_line, self.last_update = stream, time.monotonic(), ensemble.update
        budget = ensemble.condition.training.updates
        self.bar = None
        if stream.isatty():
            self.bar = tqdm(total=budget, initial=ensemble.update, unit="update", file=stream)
        resumed = f", resumed at update {ensemble.update}" if ensemble.update else ""
        self._line(f"{ensemble.condition.id} {ensemble.block.name}{resumed}: {_summary(ensemble)}")

    def __call__(self, ensemble: Ensemble) -> None:
        if self.bar is not None:
            self.bar.update(ensemble.update - self.last_update)
            self.last_update = ensemble.update
            if ensemble.since_evaluation == 0:
                self.bar.set_postfix_str(_summary(ensemble))
        elif time.monotonic() - self.last_line > LINE_EVERY:
            self._line(f"update {ensemble.update}: {_summary(ensemble)}")
            self.last_line = time.monotonic()

    def close(self, ensemble: Ensemble) -> None:
        if self.bar is not None:
            self.bar.close()
        self._line(f"update {ensemble.update}, finished: {_summary(ensemble)}")

    def _line(self, text: str) -> None:
        with contextlib.suppress(OSError):  # a log on a full disk ends no training
            tqdm.write(text, file=self.stream)
            self.stream.flush()


def _summary(ensemble: Ensemble) -> str:
    """`3 training, 2 solved, validation loss 0.0123`."""
    states: dict[str, int] = {}
    for p in ensemble.progress:
        state = p.status or "training"
        states[state] = states.get(state, 0) + 1
    losses = [p.validation_loss for p in ensemble.progress if p.validation_loss is not None]
    text = ", ".join(f"{count} {state}" for state, count in sorted(states.items()))
    return f"{text}, lowest validation loss {min(losses):.4g}" if losses else text
