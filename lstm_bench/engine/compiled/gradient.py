"""The vector-Jacobian product of a step, derived from its form, in the same kinds of nodes."""

from __future__ import annotations

from lstm_bench.engine.compiled.form import Column, Form, Graph, Node, Refused, Size, reached
from lstm_bench.engine.compiled.operations import OPERATIONS


def derived(graph: Graph, state: tuple, after: list[Node]) -> Form:
    """The form with its gradients: `seed` nodes arrive, products bring `back` what they read."""
    pieces = [(i, offset, size) for i, part in enumerate(state) for offset, size in part]
    nodes = reached(after)
    grads: dict[int, Node] = {}
    columns: list[Column] = []
    vectors: list[tuple[int, Size, Size | None, Node | None]] = []
    read = {t.node.number for n in nodes if n.op == "product" for t in n.args[0]}

    def add(node: Node, gradient: Node) -> None:
        known = grads.get(node.number)
        grads[node.number] = gradient if known is None else graph.apply("add", known, gradient)

    for node, (i, offset, size) in zip(after, pieces):
        add(node, graph.node("seed", i, offset, size=size))
    for node in reversed(nodes):
        if node.number in read and node.op not in ("state", "input", "stop"):
            add(node, graph.node("back", node, size=node.size))
        g = grads.get(node.number)
        if node.op == "product":
            columns.append(Column(node, g or graph.const(0.0)))
            if g is not None:
                for start in node.args[1]:
                    add(start, g)
        if g is not None and node.op == "sum":  # each unit gets the same number
            add(node.args[0], graph.node("stop", g, size=node.args[0].size))
        operation = OPERATIONS.get(node.op)
        if g is None or operation is None or operation.derivative is None:
            continue
        for arg, slope in zip(node.args, operation.derivative(graph, g, node, *node.args)):
            if slope is None or arg.op in ("const", "count"):
                continue
            if arg.size is None and arg.op == "vector":
                if node.size is None:
                    raise Refused("one number of a replicate with one number of a sequence")
                vectors.append((*arg.args, None, slope))
            elif arg.size is None and node.size is not None:
                if slope.size is None:
                    add(arg, graph.apply("mul", slope, graph.node("count", node.size)))
                else:
                    add(arg, graph.node("sum", slope))
            else:
                add(arg, slope)
    found = {(n.op, *n.args): grads.get(n.number) for n in nodes if n.op in ("state", "input")}
    vectors += [
        (*n.args, n.size, grads.get(n.number))
        for n in nodes
        if n.op == "vector" and n.size is not None
    ]
    vectors += [(*n.args, None, None) for n in nodes if n.op == "vector" and n.size is None]
    # inputs that are read unit by unit, not by products alone
    alone = {arg.number for n in nodes if n.op != "product" for arg in n.nodes}
    alone |= {n.number for n in after}
    inputs = tuple(
        (n.args[0], n.whole, grads.get(n.number))
        for n in nodes
        if n.op == "input" and n.number in alone
    )
    before = tuple(found.get(("state", i, offset)) for i, offset, _ in pieces)
    return Form(graph, state, tuple(after), tuple(columns[::-1]), before, tuple(vectors), inputs)
