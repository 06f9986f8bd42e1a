"""Compile the Triton kernels for a GPU that need not be here, and say what they ask of it.

    python benchmarks/gpu_compile.py [--arch 90] [--cells lstm gru tanh] [--widths 64] [--batch 32]

For every kernel and precision: seconds to compile, shared memory of one program, registers of a
thread, bytes spilled to memory, and the instruction of its products (fma, mma or wgmma). Exit code
1 with one sentence where Triton is not installed.
"""

from __future__ import annotations

import argparse
import importlib.util
import os
import re
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path
from typing import Any

sys.path.insert(0, str(Path(__file__).parents[1]))

SCALARS = {"T": "i32", "R": "i32", "STEPS": "i32"}


def main() -> int:
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0])
    parser.add_argument("--arch", type=int, default=90, help="80 is an A100, 90 an H100")
    parser.add_argument("--cells", nargs="+", default=["lstm", "gru", "tanh"])
    parser.add_argument("--widths", nargs="+", type=int, default=[64, 128])
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--inputs", type=int, default=2)
    parser.add_argument("--precisions", nargs="+", default=["ieee", "tf32x3", "tf32", "bf16"])
    args = parser.parse_args()
    if importlib.util.find_spec("triton") is None:
        print("triton is not installed; pip install 'lstm-bench[gpu]' brings it.", file=sys.stderr)
        return 1
    os.environ.pop("TRITON_INTERPRET", None)
    print(f"{'kernel':<36}{'seconds':>8}{'shared':>8}{'registers':>10}{'spilled':>8}  products")
    for cell in args.cells:
        for width in args.widths:
            for precision in args.precisions:
                for name, kernel, sizes, warps, stages in _kernels(args, cell, width, precision):
                    about = f"{cell} H{width} {precision} {name}"
                    print(f"{about:<36}{_compiled(kernel, sizes, args.arch, warps, stages)}")
    return 0


def _kernels(
    args: argparse.Namespace, cell: str, H: int, precision: str
) -> Iterator[tuple[str, Any, dict[str, Any], int, int]]:
    from lstm_bench.engine.gpu import resident, sums, wide
    from lstm_bench.engine.gpu.memory import GATES, PRODUCTS, tiles

    B, D, G, GU = args.batch, args.inputs, GATES[cell] * H, PRODUCTS[cell] * H
    cut = tiles(cell, H, B, precision)
    module = resident if cut.resident else wide
    common = {
        "CELL": cell, "H": H, "B": B, "BH": cut.units, "BB": cut.batch, "PRECISION": precision,
    }  # fmt: skip
    forward = {**common, "SHARED": False, "D": D, "BD": cut.inputs, "KEEP": True}
    yield "forward", module.forward, forward, cut.warps, 1
    yield "backward", module.backward, common, cut.warps, 1
    product = {
        "G": G, "SHARED": False, "ROWS": GU, "K": H, "ONES": 0, "B": B, "BR": 64, "BK": 64,
        "BB": cut.batch, "PRECISION": precision,
    }  # fmt: skip
    yield "weights", sums.weights, product, 4, 3
    product = {
        "G": G, "FIRST": G - GU, "ROWS": GU, "D": D, "B": B, "BD": 16, "BB": cut.batch, "BK": 32,
        "PRECISION": precision,
    }  # fmt: skip
    yield "inputs", sums.inputs, product, 4, 3


def _compiled(kernel: Any, sizes: dict[str, Any], arch: int, warps: int, stages: int) -> str:
    import triton
    from triton.backends.compiler import GPUTarget
    from triton.compiler import ASTSource

    names = kernel.arg_names
    pointers = {n: "*i32" if n == "slots" else "*fp32" for n in names if n not in sizes}
    signature = {n: "constexpr" if n in sizes else SCALARS.get(n) or pointers[n] for n in names}
    aligned = {(names.index(n),): [["tt.divisibility", 16]] for n in set(pointers) - set(SCALARS)}
    constants = {(names.index(n),): value for n, value in sizes.items()}
    source = ASTSource(kernel, signature, constants, aligned)
    started = time.perf_counter()
    options = {"num_warps": warps, "num_stages": stages}
    done = triton.compile(source, target=GPUTarget("cuda", arch, 32), options=options)
    seconds = time.perf_counter() - started
    ptx = done.asm["ptx"]
    registers, spilled = _assembled(ptx, Path(triton.__file__).parent)
    products = "wgmma" if "wgmma" in ptx else "mma" if "mma.sync" in ptx else "fma"
    shared = done.metadata.shared
    return f"{seconds:>8.1f}{shared:>8}{registers:>10}{spilled:>8}  {products}"


def _assembled(ptx: str, triton: Path) -> tuple[str, str]:
    """Registers and spilled bytes, as NVIDIA's assembler counts them."""
    arch = re.search(r"^\.target (\w+)", ptx, re.M)
    assert arch is not None
    with tempfile.NamedTemporaryFile("w", encoding="utf-8", suffix=".ptx") as file:
        file.write(ptx)
        file.flush()
        command = [str(triton / "backends/nvidia/bin/ptxas"), "-v", "--gpu-name", arch[1]]
        said = subprocess.run(
            [*command, file.name, "-o", os.devnull],
            capture_output=True,
            encoding="utf-8",
            check=True,
        ).stderr
    registers, spilled = re.search(r"Used (\d+) reg", said), re.search(r"(\d+) bytes spill s", said)
    return registers[1] if registers else "?", spilled[1] if spilled else "?"


if __name__ == "__main__":
    sys.exit(main())
