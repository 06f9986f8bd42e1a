"""Time the GPU backends against cuDNN: many replicates side by side, and one alone.

    python benchmarks/gpu.py [--replicates 128] [--cells lstm gru elman] [--json FILE]

Forward and backward pass, loss on the last step, float32 inputs that need no gradient. Every
backend is first compared with the plain loop in float64 on the CPU. Then, after a warm-up, the
contestants take turns (A B C A B C ...), each timed by CUDA events around enough passes for about
20 ms; medians and quartiles of the samples are printed.

    cudnn x 1       torch.nn.LSTM, GRU or RNN, TF32 off: one network
    cudnn x R       the same R times, one after another, which is R separate trainings
    triton ... x R  the kernels of this suite, R replicates in one call
    triton x 1      the same with one replicate
    graphs, loop    the general path, recorded as a CUDA graph and not

Goals: `triton x 128` takes at most 2 times `cudnn x 1`; the sweep of 128 runs at 50 times the
throughput of `cudnn` one after another. Refuses with one sentence where there is no GPU.
"""

from __future__ import annotations

import argparse
import importlib.metadata
import importlib.util
import json
import statistics
import sys
from collections.abc import Callable
from pathlib import Path
from typing import Any

import torch
from torch import Tensor

sys.path.insert(0, str(Path(__file__).parents[1]))

from lstm_bench import cells, engine
from lstm_bench.cells.base import Params
from lstm_bench.engine import gpu
from lstm_bench.engine.network import Network

NN = {"lstm": torch.nn.LSTM, "gru": torch.nn.GRU, "elman": torch.nn.RNN}
WARM_UP, SAMPLE_MS = 3, 20.0
ALLOWED = {"triton": 1e-5, "triton-tf32x3": 1e-4, "triton-tf32": 2e-2, "triton-bf16": 1e-1}
GOAL_TIME, GOAL_SWEEP = 2.0, 50.0

Pass = Callable[[], None]


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--replicates", type=int, default=128)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--width", type=int, default=64)
    parser.add_argument("--steps", type=int, default=200)
    parser.add_argument("--inputs", type=int, default=2)
    parser.add_argument("--cells", nargs="+", choices=[*NN], default=[*NN])
    parser.add_argument("--samples", type=int, default=20)
    parser.add_argument("--json", type=Path, help="write the rows there as well")
    args = parser.parse_args()
    if not torch.cuda.is_available():
        print("benchmarks/gpu.py needs a CUDA device, and torch finds none.", file=sys.stderr)
        return 1
    torch.backends.cudnn.allow_tf32 = torch.backends.cuda.matmul.allow_tf32 = False
    print(f"{torch.cuda.get_device_name()}, torch {torch.__version__}, {_flashrnn()}")
    rows = [row for cell in args.cells for row in _cell(args, cell)]
    if args.json:
        args.json.write_text(json.dumps(rows, indent=1), encoding="utf-8")
    return 0


def _flashrnn() -> str:
    """FlashRNN is a contestant of its own: its heads as replicates, by its own benchmark."""
    if importlib.util.find_spec("flashrnn") is None:
        return "FlashRNN not installed"
    return f"FlashRNN {importlib.metadata.version('flashrnn')} installed (not timed here)"


def _cell(args: argparse.Namespace, cell: str) -> list[dict[str, Any]]:
    print(f"\n{cell}: B {args.batch}, H {args.width}, T {args.steps}, D {args.inputs}")
    one, R = _cudnn(args, cell), args.replicates
    contestants: dict[str, Pass] = {"cudnn x 1": one, f"cudnn x {R}": lambda: _times(one, R)}
    for backend in gpu.BACKENDS:
        if _agrees(args, cell, backend):
            contestants[f"{backend} x {R}"] = _pass(args, cell, backend, R)
    contestants["triton x 1"] = _pass(args, cell, "triton", 1)
    for backend in ("graphs", "loop"):
        contestants[f"{backend} x {R}"] = _pass(args, cell, backend, R)
    samples = _interleaved(contestants, args.samples)
    base = statistics.median(samples["cudnn x 1"])
    sweep = statistics.median(samples[f"cudnn x {R}"])
    rows = []
    for name, found in samples.items():
        low, median, high = statistics.quantiles(found, n=4)
        row = {"cell": cell, "contestant": name, "ms": median, "low_ms": low, "high_ms": high}
        row |= {"times_one_cudnn": median / base, "sweep_throughput": sweep / median}
        rows.append(row)
        many = f"  {sweep / median:7.1f} x the sweep" if name.endswith(f"x {R}") else ""
        print(f"  {name:<22}{median:9.3f} ms [{low:.3f}, {high:.3f}]{median / base:8.2f} x{many}")
    best = next((r for r in rows if r["contestant"] == f"triton x {R}"), None)
    if best is not None:
        print(
            f"  goals: {best['times_one_cudnn']:.2f} of at most {GOAL_TIME:.0f} times one, "
            f"{best['sweep_throughput']:.1f} of at least {GOAL_SWEEP:.0f} times the sweep"
        )
    return rows


def _times(one: Pass, R: int) -> None:
    for _ in range(R):
        one()


def _cudnn(args: argparse.Namespace, cell: str) -> Pass:
    network = NN[cell](args.inputs, args.width).cuda()
    x = torch.randn(args.steps, args.batch, args.inputs, device="cuda")
    weights = list(network.parameters())

    def once() -> None:
        hidden, _ = network(x)
        torch.autograd.grad(hidden[-1].square().sum(), weights)

    return once


def _case(args: argparse.Namespace, cell: str, R: int, steps: int) -> tuple[Any, ...]:
    network = Network(cells.create(cell), args.inputs, args.width, 1)
    flat = network.pack(range(R), torch.zeros(1))
    x = torch.randn(steps, R, args.inputs, args.batch, generator=torch.Generator().manual_seed(0))
    return network, flat, x


def _gradients(network: Network, flat: Tensor, x: Tensor, backend: str) -> list[Tensor]:
    leaves = network.layout.leaves(flat)
    own = {name: leaf for name, leaf in leaves.items() if name not in ("V", "b_y")}
    state = network.cell.initial_state(len(flat), network.width, x.shape[3], flat)
    hidden, _ = engine.unroll(network.cell, Params(own), x, state, (len(x) - 1,), backend)
    return [hidden, *torch.autograd.grad(hidden.square().sum(), list(own.values()))]


def _pass(args: argparse.Namespace, cell: str, backend: str, R: int) -> Pass:
    network, flat, x = _case(args, cell, R, args.steps)
    flat, x = flat.cuda(), x.cuda()

    def once() -> None:
        _gradients(network, flat, x, backend)

    return once


def _agrees(args: argparse.Namespace, cell: str, backend: str) -> bool:
    """Within what its precision allows of the float64 loop, in the state and every gradient."""
    network, flat, x = _case(args, cell, 2, min(args.steps, 50))
    exact = _gradients(network, flat.double(), x.double(), "loop")
    found = _gradients(network, flat.cuda(), x.cuda(), backend)
    pairs = [(f.detach().cpu(), e.detach()) for f, e in zip(found, exact)]
    errors = [float((f - e).norm() / e.norm()) for f, e in pairs]
    good = max(errors) < ALLOWED[backend]
    print(f"  {backend}: error {max(errors):.1e}{'' if good else ', TOO MUCH: not timed'}")
    return good


def _interleaved(contestants: dict[str, Pass], count: int) -> dict[str, list[float]]:
    """Milliseconds of one pass, `count` samples each, taking turns."""
    repeats = {}
    for name, once in contestants.items():
        for _ in range(WARM_UP):
            once()
        repeats[name] = max(1, round(SAMPLE_MS / _milliseconds(once, 1)))
    samples: dict[str, list[float]] = {name: [] for name in contestants}
    for _ in range(count):
        for name, once in contestants.items():
            samples[name].append(_milliseconds(once, repeats[name]))
    return samples


def _milliseconds(once: Pass, repeats: int) -> float:
    start, end = (torch.cuda.Event(enable_timing=True) for _ in range(2))
    start.record()
    for _ in range(repeats):
        once()
    end.record()
    end.synchronize()
    return start.elapsed_time(end) / repeats


if __name__ == "__main__":
    sys.exit(main())
