"""The operations unit by unit: their C++, what they cost, and their derivatives.

A comparison gives 1 or 0. `g` is the gradient that arrives, `y` the value, the rest its arguments;
where a derivative jumps (relu at 0, a maximum of equals) it is torch's.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, NamedTuple

from lstm_bench.engine.compiled.form import Graph, Node


class Operation(NamedTuple):
    """`code` with the arguments' places; `weight` against that of a nonlinearity."""

    code: str
    weight: float
    derivative: Callable[..., Sequence[Node | None]] | None


def _unary(code: str, weight: float, slope: Any) -> Operation:
    return Operation(code, weight, lambda b, g, y, a: [slope(b, g, y, a)])


def _product(b: Graph, g: Node, *factors: Node | float) -> Node:
    for factor in factors:
        g = b.apply("mul", g, factor)
    return g


def _sigmoid(b: Graph, g: Node, y: Node, a: Node) -> Node:
    return _product(b, g, b.apply("sub", y, _product(b, y, y)))


def _tanh(b: Graph, g: Node, y: Node, a: Node) -> Node:
    return b.apply("sub", g, _product(b, g, y, y))


def _division(b: Graph, g: Node, y: Node, n: Node, d: Node) -> Sequence[Node | None]:
    share = b.apply("div", g, d)
    return share, b.apply("neg", _product(b, share, y))


def _chosen(b: Graph, g: Node, y: Node, c: Node, x: Node, z: Node) -> Sequence[Node | None]:
    return None, b.apply("where", c, g, 0.0), b.apply("where", c, 0.0, g)


def _extreme(first: str) -> Callable[..., Sequence[Node | None]]:
    def derivative(b: Graph, g: Node, y: Node, x: Node, z: Node) -> Sequence[Node | None]:
        # equals share it: (first(x, z) + (x >= z or x <= z)) / 2
        half = b.apply(
            "mul", b.apply("add", b.apply(first, x, z), b.apply(first[0] + "e", x, z)), 0.5
        )
        share = _product(b, g, half)
        return share, b.apply("sub", g, share)

    return derivative


def _comparison(code: str) -> Operation:
    return Operation(
        f"compare({{0}}, {{1}}, [](auto a, auto b) {{{{ return a {code} b; }}}})", 0.1, None
    )


OPERATIONS: dict[str, Operation] = {
    "add": Operation("{0} + {1}", 0.1, lambda b, g, y, x, z: (g, g)),
    "sub": Operation("{0} - {1}", 0.1, lambda b, g, y, x, z: (g, b.apply("neg", g))),
    "mul": Operation(
        "{0} * {1}", 0.1, lambda b, g, y, x, z: (_product(b, g, z), _product(b, g, x))
    ),
    "div": Operation("divide({0}, {1})", 0.3, _division),
    "neg": _unary("negative({0})", 0.1, lambda b, g, y, a: b.apply("neg", g)),
    "sigmoid": _unary("sigmoid({0})", 1, _sigmoid),
    "tanh": _unary("tanh_({0})", 1, _tanh),
    "relu": _unary(
        "relu({0})", 0.1, lambda b, g, y, a: b.apply("where", b.apply("gt", y, 0.0), g, 0.0)
    ),
    "exp": _unary("exp_({0})", 1, lambda b, g, y, a: _product(b, g, y)),
    "log": _unary("log_({0})", 1, lambda b, g, y, a: b.apply("div", g, a)),
    "sqrt": _unary("root({0})", 0.3, lambda b, g, y, a: b.apply("div", _product(b, g, 0.5), y)),
    "abs": _unary("absolute({0})", 0.1, lambda b, g, y, a: _product(b, g, b.apply("sign", a))),
    "sign": Operation("sign({0})", 0.1, None),
    "logsigmoid": _unary(
        "logsigmoid({0})",
        2,
        lambda b, g, y, a: _product(b, g, b.apply("sigmoid", b.apply("neg", a))),
    ),
    "sin": _unary("each({0}, sinf)", 3, lambda b, g, y, a: _product(b, g, b.apply("cos", a))),
    "cos": _unary(
        "each({0}, cosf)", 3, lambda b, g, y, a: b.apply("neg", _product(b, g, b.apply("sin", a)))
    ),
    "erf": _unary(
        "each({0}, erff)",
        3,
        lambda b, g, y, a: _product(
            b, g, b.apply("exp", b.apply("neg", _product(b, a, a))), 1.1283791670955126
        ),
    ),
    "atan": _unary(
        "each({0}, atanf)",
        3,
        lambda b, g, y, a: b.apply("div", g, b.apply("add", _product(b, a, a), 1.0)),
    ),
    "maximum": Operation("maximum({0}, {1})", 0.1, _extreme("gt")),
    "minimum": Operation("minimum({0}, {1})", 0.1, _extreme("lt")),
    "where": Operation("where({0}, {1}, {2})", 0.1, _chosen),
    "gt": _comparison(">"),
    "ge": _comparison(">="),
    "lt": _comparison("<"),
    "le": _comparison("<="),
    "eq": _comparison("=="),
    "ne": _comparison("!="),
}
