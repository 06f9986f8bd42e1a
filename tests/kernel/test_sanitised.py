"""Compiled code makes no read or write out of bounds and does nothing undefined."""

from __future__ import annotations

import os
import subprocess
from pathlib import Path

import pytest

from lstm_bench import cells
from lstm_bench.cells.base import Cell, Params
from lstm_bench.engine.compiled import Compiled
from lstm_bench.engine.compiled.form import Sizes
from lstm_bench.engine.compiled.plan import COUNTS, TABLES
from lstm_bench.engine.compiled.recording import random_case
from lstm_bench.engine.fused import library
from tests.kernel.programs import program

# with products of an intermediate value, with sums over units, with a state in pieces
SOME = ["lstm_layernorm", "mut1", "urnn"]
EVERY = sorted(set(cells.registry()) - {"lru", "feedforward_window"})
CELLS = EVERY if os.environ.get("LSTM_BENCH_SANITISE") == "all" else SOME
SIZES = [(7, 1), (1, 5), (130, 17), (7, 33), (2, 64)]  # inputs and width
if CELLS is EVERY:
    SIZES = [(D, H) for H in (1, 5, 17, 33, 64, 100) for D in (1, 7, 130) if D < 130 or H < 64]
# compiled without optimisation: every check stays, and loops that are not unrolled compile faster
FLAGS = ("-O0", "-std=c++17", "-ffp-contract=fast", "-fno-sanitize-recover=all", "-w")


def command(tmp_path: Path) -> list[str]:
    try:
        found = [library.compiler(), *FLAGS, *library.ISA_FLAGS[library.instruction_set()]]
    except library.Unavailable as reason:
        pytest.skip(str(reason))
    empty = tmp_path / "empty.cpp"
    empty.write_text("int main() { return 0; }")
    probe = [found[0], "-fsanitize=address,undefined", str(empty), "-o", str(tmp_path / "empty")]
    if subprocess.run(probe, capture_output=True, check=False).returncode:
        pytest.skip(f"{found[0]} has no sanitisers here")
    return [*found, "-fsanitize=address,undefined", f"-I{library.SOURCES}"]


def clean(compiled: Path, least: int) -> None:
    found = subprocess.run([str(compiled)], capture_output=True, text=True, check=False)
    assert found.returncode == 0, found.stdout + found.stderr[-4000:]
    done, bad = (int(word) for word in found.stdout.split() if word.isdigit())
    assert done > least
    assert bad == 0


def plans(cell: Cell, compiled: Compiled) -> str:
    """C++ that runs every shape at every size: the tables as the runner gets them from Python."""
    texts, calls = [], []
    for n, (D, H) in enumerate(SIZES):
        allowed = cell.widths(D)
        width = allowed[max(0, -(-(H - allowed.start) // allowed.step))]
        sizes = Sizes(D, width, 2)
        params, state = random_case(cell, sizes._replace(replicates=2), 0)
        leaves = compiled.weights(cell.prepare(Params(params)), sizes._replace(replicates=2))
        shapes = [(leaf.shape[1], leaf.shape[2]) for leaf in leaves]
        plan = compiled.plan(sizes, leaves, state)
        for name, table in plan.tables.items():
            texts.append(f"static const long {name}_{n}[] = {{{', '.join(map(str, table))}}};")
        leaves = ", ".join(str(rows * columns) for rows, columns in shapes)
        texts.append(f"static const long leaves_{n}[] = {{{leaves or 0}}};")
        calls.append("  { FormPlan f{};")
        calls += [f"    f.{name} = {getattr(plan.view, name)};" for name in COUNTS]
        calls += [f"    f.{name} = (decltype(f.{name})){name}_{n};" for name in TABLES]
        calls.append(f"    every_shape(f, leaves_{n}); }}")
    return "\n".join([*texts, "static void each_plan() {", *calls, "}"])


@pytest.mark.parametrize("name", CELLS)
def test_a_cells_loops_and_the_runner_are_clean_under_sanitisers(name: str, tmp_path: Path):
    cell, source = cells.create(name), tmp_path / "driver.cpp"
    compiled, start = Compiled(cell), Path(__file__).with_name("sanitised.cpp").read_text()
    source.write_text("\n".join([start, compiled.program.text, plans(cell, compiled)]))
    clean(program(command(tmp_path), source), 100)


def test_the_truncated_kernel_is_clean_under_sanitisers(tmp_path: Path):
    driver = Path(__file__).with_name("sanitised_truncated.cpp")
    clean(program(command(tmp_path), driver), 1000)
