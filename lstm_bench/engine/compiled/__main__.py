"""`python -m lstm_bench.engine.compiled CELL`: what becomes of a cell's equations."""

from __future__ import annotations

import sys

from lstm_bench import cells
from lstm_bench.engine.compiled import derived_from
from lstm_bench.engine.compiled.form import Node, reached
from lstm_bench.engine.compiled.writing import Program


def form_of(program: Program) -> str:
    """The form as text: a node a line, the step first, then its gradient."""
    form, kept = program.form, {*program.schedule.kept, *program.schedule.sums}
    found = [*(c.gradient for c in form.columns), *form.before, *(v[3] for v in form.vectors)]
    lines = []
    for node in reached([*form.after, *(g for g in found if g is not None)]):
        size = "" if node.size is None else f"   ({node.size})"
        note = ", kept for the backward pass" if node in kept else ""
        lines.append(f"{node} = {_line(program, node)}{size}{note}")
    lines += [f"{program.piece_name(n)} after = {node}" for n, node in enumerate(form.after)]
    lines += [f"gradient of {column.product} = {column.gradient}" for column in form.columns]
    for n, before in enumerate(form.before):
        own = "" if before is None else f"{before} + "
        lines.append(f"gradient of {program.piece_name(n)} before = {own}what products bring")
    lines += [f"gradient of {program.names[leaf]} += {g}" for leaf, _, _, g in form.vectors]
    return "\n".join(lines)


def _line(program: Program, node: Node) -> str:
    match node.op:
        case "product":
            return program.equation(node)
        case "state":
            return f"{program.piece_name(program.piece(*node.args))} before"
        case "seed":
            return f"gradient of {program.piece_name(program.piece(*node.args))} after"
        case "vector":
            return program.names[node.args[0]]
        case "input":
            return "x"
    args = [f"{arg.args[0]:g}" if arg.op == "const" else repr(arg) for arg in node.nodes]
    return f"{node.op} {' '.join(args) or node.args[0]}"


if __name__ == "__main__":
    made = derived_from(cells.create(sys.argv[1]))
    print(made if isinstance(made, str) else f"{form_of(made.program)}\n\n{made.program.text}")
