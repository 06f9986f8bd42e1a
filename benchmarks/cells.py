"""`python -m benchmarks.cells`: one update of every cell, on its kernel and on the plain loop.

An update is forward, backward, clipping and Adam of all replicates, with a readout of the last
step. One thread; CPU seconds of the process, and of each contender the least of several samples
taken in turns, so that what else the machine does counts little. GF/s count three times the cell's
own `flops`.
"""

from __future__ import annotations

import argparse
import sys
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import torch

from benchmarks.measuring import deliver, heading, markdown
from lstm_bench import cells, engine
from lstm_bench.engine.network import Network
from lstm_bench.engine.parameters import in_company
from lstm_bench.engine.runtime import configure
from lstm_bench.training import optimisers
from lstm_bench.training.model import clip

SHAPES = [(8, 32, 32, 100, 2), (8, 32, 64, 200, 10)]  # R, B, H, T, D
LEAST = 0.04  # seconds a sample


def update_of(name: str, shape: tuple[int, ...], backend: str) -> Callable[[], None]:
    """One update of a network of this cell, on this backend."""
    R, B, H, T, D = shape
    network = Network(cells.create(name), D, H, 1)
    weights = network.pack(range(R), torch.zeros(1))
    adam = optimisers.create("adam", weights, 0.001, 0.0)
    inputs = torch.randn(T, R, D, B, generator=torch.Generator().manual_seed(1))
    layout, done = network.layout, [0]

    def update() -> None:
        leaves = layout.leaves(in_company(weights))
        y = network.outputs_at(leaves, inputs, (T - 1,), backend=backend, size=B)
        found = torch.autograd.grad(y.square().sum(), list(leaves.values()), allow_unused=True)
        flat = torch.zeros_like(weights)
        pairs = [(v, g) for v, g in zip(layout.views(flat).values(), found) if g is not None]
        torch._foreach_copy_([view for view, _ in pairs], [g for _, g in pairs])
        clip(flat, "norm", 1.0)
        done[0] += 1
        adam.step(weights, flat, done[0])

    return update


def least_seconds(updates: dict[str, Callable[[], None]], rounds: int) -> dict[str, float]:
    """CPU seconds of an update of each, taken in turns."""
    best = dict.fromkeys(updates, float("inf"))
    for update in updates.values():
        update()
    for _ in range(rounds):
        for name, update in updates.items():
            started, calls = time.process_time(), 0
            while time.process_time() - started < LEAST:
                update()
                calls += 1
            best[name] = min(best[name], (time.process_time() - started) / calls)
    return best


def rows(names: list[str], shape: tuple[int, ...], rounds: int) -> list[dict[str, Any]]:
    """Every cell at one shape: the backend that `auto` takes, and how much longer others take."""
    found = []
    R, B, H, T, D = shape
    for name in names:
        cell = cells.create(name)
        own = engine.backend_for(cell)
        others = [b for b in ("compiled", "scan", "loop") if b != own]
        chosen = [own, *(b for b in others if engine.BACKENDS[b].supports(cell, torch.zeros(0)))]
        seconds = least_seconds({b: update_of(name, shape, b) for b in chosen}, rounds)
        rate = 3 * cell.flops(D, H, 1) * R * T * B / seconds[own] / 1e9
        row = {"cell": name, "path": own, "ms": 1e3 * seconds[own], "GF/s": rate}
        row |= {f"× {b}": seconds[b] / seconds[own] for b in chosen[1:]}
        print(shape, row, file=sys.stderr, flush=True)
        found.append(row)
    return found


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cells", nargs="+", default=sorted(cells.registry()))
    parser.add_argument("--rounds", type=int, default=5)
    parser.add_argument("--into", type=Path, help="a page with the marks <!-- cells -->")
    a = parser.parse_args()
    configure()
    torch.set_num_threads(1)
    sections = [heading("the least of samples in turns")]
    for shape in SHAPES:
        table = rows(a.cells, shape, a.rounds)
        gains = [row["× loop"] for row in table if row["path"] == "compiled"]
        told = f"median of × loop over compiled cells: {np.median(gains):.1f}" if gains else ""
        sections += [f"At (R, B, H, T, D) = {shape}; {told}:", markdown(table)]
    deliver("cells", "\n\n".join(sections), a.into)


if __name__ == "__main__":
    main()
