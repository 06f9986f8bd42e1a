"""The intermediate form: what a step computes, as a graph of few kinds of nodes.

A node is a row of units of one sequence; `size` is how many, or None for one number a sequence.
Sizes are known as functions of a network's inputs, width and outputs, so that one form serves all.

    state (i, offset)      units of part i of the state before the step
    input (offset)         units of the input
    vector (leaf, offset)  a bias, say: the same for all sequences of a replicate
    const (value)          a number
    count (size)           a size, as a number
    product (terms, starts)  the sum of matrix @ node over its terms, and of vectors
    sum (node)             the sum over units
    stop (node)            the same number; no gradient passes
    seed (i, offset)       in a gradient: what arrives from the step after
    back (node)            in a gradient: what arrives through products that read the node

All else is an operation of `operations.py`, unit by unit.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable, Iterator
from fractions import Fraction
from typing import Any, NamedTuple


class Refused(Exception):
    """A step that the form cannot express, and why."""


class Sizes(NamedTuple):
    """What the sizes of a network follow from."""

    inputs: int
    width: int
    outputs: int
    replicates: int = 1


class Size(NamedTuple):
    """inputs * D + width * H + outputs * K + replicates * R + constant."""

    inputs: Fraction | int
    width: Fraction | int
    outputs: Fraction | int
    replicates: Fraction | int
    constant: Fraction | int

    @classmethod
    def of(cls, number: int) -> Size:
        return cls(0, 0, 0, 0, number)

    def at(self, sizes: Sizes) -> int:
        """Raises Refused where it is no whole number."""
        *slopes, constant = self
        value = constant + sum(a * b for a, b in zip(slopes, sizes))
        if value.denominator != 1:
            raise Refused(f"a size of {value}")
        return int(value)

    def plus(self, other: Size, sign: int = 1) -> Size:
        return Size(*(a + sign * b for a, b in zip(self, other)))

    @property
    def fixed(self) -> bool:
        return not any(self[:4])

    def __str__(self) -> str:
        found = []
        for value, name in zip(self, ("D", "H", "K", "R", "")):
            if value:
                found.append(f"{value if value != 1 or not name else ''}{name}")
        return "+".join(found).replace("+-", "-") or "0"


ZERO = Size.of(0)


class Term(NamedTuple):
    """Columns `column` on of rows `row` on of a matrix, times the units of a node."""

    matrix: int
    row: Size
    column: Size
    node: Node


class Node:
    """One of a graph; made by `Graph.node`, so that equal nodes are the same one."""

    __slots__ = ("args", "number", "op", "size")

    def __init__(self, op: str, args: tuple[Any, ...], size: Size | None, number: int) -> None:
        self.op, self.args, self.size, self.number = op, args, size, number

    @property
    def nodes(self) -> tuple[Node, ...]:
        """The nodes it is computed from; a `back` also follows from gradients, see `Form`."""
        if self.op == "product":
            terms, starts = self.args
            return tuple(term.node for term in terms) + starts
        return tuple(arg for arg in self.args if isinstance(arg, Node))

    @property
    def whole(self) -> Size:
        """Its size, where it has units."""
        assert self.size is not None
        return self.size

    def __repr__(self) -> str:
        return f"v{self.number}"


ALWAYS = ("state", "input", "vector", "const", "count")  # read from memory wherever they are used


class Graph:
    """Nodes in the order in which they were made, which is one in which they can be computed."""

    def __init__(self) -> None:
        self._made: dict[Any, Node] = {}

    def node(self, op: str, *args: Any, size: Size | None = None) -> Node:
        key = (op, args, size)
        if key not in self._made:
            self._made[key] = Node(op, args, size, len(self._made))
        return self._made[key]

    def const(self, value: float) -> Node:
        return self.node("const", float(value))

    def apply(self, op: str, *args: Node | float) -> Node:
        """An operation unit by unit; what is zero, one or a number already is not computed."""
        nodes = [a if isinstance(a, Node) else self.const(a) for a in args]
        values = [n.args[0] if n.op == "const" else None for n in nodes]
        if all(v is not None for v in values) and op in FOLDED:
            return self.const(FOLDED[op](*[v for v in values if v is not None]))
        match op, values:
            case ("add", [0.0, _]) | ("mul", [1.0, _]):
                return nodes[1]
            case ("add" | "sub", [_, 0.0]) | ("mul" | "div", [_, 1.0]):
                return nodes[0]
            case ("mul", [0.0, _]) | ("mul", [_, 0.0]) | ("div", [0.0, _]):
                return self.const(0.0)
        if op == "add" and [n.op for n in nodes] == ["sum", "sum"]:
            (a,), (b,) = (n.args for n in nodes)
            if a.size == b.size:
                return self.node("sum", self.apply("add", a, b))
        if op in ("add", "sub") and nodes[1].op == "neg":
            return self.apply("sub" if op == "add" else "add", nodes[0], nodes[1].args[0])
        if op == "add" and nodes[0].op == "neg":
            return self.apply("sub", nodes[1], nodes[0].args[0])
        size = next((n.size for n in nodes if n.size is not None), None)
        if any(n.size not in (None, size) for n in nodes):
            raise Refused(f"{op} of rows that differ in size")
        return self.node(op, *nodes, size=size)


FOLDED: dict[str, Callable[..., float]] = {
    "add": lambda a, b: a + b,
    "sub": lambda a, b: a - b,
    "mul": lambda a, b: a * b,
    "neg": lambda a: -a,
}


class Column(NamedTuple):
    """A product of the step, and the gradient that arrives at it."""

    product: Node
    gradient: Node


class Form(NamedTuple):
    """A step and its vector-Jacobian product.

    state     (offset, size) of the pieces of each part of the state, in which it is computed
    after     the node of each piece after the step
    columns   the products, with their gradients
    before    by piece, the gradient of the state before, without what products bring; or None
    vectors   (leaf, offset, size, gradient) of each vector; the size is None for one number
    inputs    (offset, size, gradient) of the pieces of the input that are read one by one
    """

    graph: Graph
    state: tuple[tuple[tuple[Size, Size], ...], ...]
    after: tuple[Node, ...]
    columns: tuple[Column, ...]
    before: tuple[Node | None, ...]
    vectors: tuple[tuple[int, Size, Size | None, Node | None], ...]
    inputs: tuple[tuple[Size, Size, Node | None], ...]

    @property
    def pieces(self) -> list[tuple[int, Size, Size]]:
        """(part, offset, size) of every piece of the state."""
        return [(i, *piece) for i, pieces in enumerate(self.state) for piece in pieces]

    @property
    def gradients(self) -> list[Node]:
        """Of all products, vectors, states and inputs that have one."""
        given = [*(g for *_, g in self.vectors), *self.before, *(g for *_, g in self.inputs)]
        return [*(c.gradient for c in self.columns), *(g for g in given if g is not None)]

    def reads(self, node: Node) -> Iterator[Column]:
        """The columns whose products read this node."""
        for column in self.columns:
            if any(term.node is node for term in column.product.args[0]):
                yield column


def reached(roots: Iterable[Node], through: Any = lambda node: node.nodes) -> list[Node]:
    """All nodes that the roots are computed from, themselves included, in computable order."""
    seen: dict[int, Node] = {}
    stack = list(roots)
    while stack:
        node = stack.pop()
        if node.number not in seen:
            seen[node.number] = node
            stack.extend(through(node))
    return [seen[number] for number in sorted(seen)]
