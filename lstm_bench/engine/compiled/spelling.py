"""Operations of torch unit by unit, spelt in those of the form."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from lstm_bench.engine.compiled.form import Graph, Node, Refused, Size
from lstm_bench.engine.compiled.operations import OPERATIONS


def as_number(value: Any) -> float:
    """An argument that is a number. Raises Refused."""
    if isinstance(value, Size):
        if not value.fixed:
            raise Refused("a number that changes with the width")
        return float(value.constant)
    if not isinstance(value, (int, float)):
        raise Refused(f"the argument {value!r}")
    return float(value)


def _scaled(op: str) -> Callable[..., Node]:
    return lambda g, a, b, alpha=1.0: g.apply(op, a, g.apply("mul", b, alpha))


def _power(g: Graph, a: Node, exponent: Node) -> Node:
    match exponent.args:
        case (2.0,):
            return g.apply("mul", a, a)
        case (3.0,):
            return g.apply("mul", g.apply("mul", a, a), a)
        case (0.5,):
            return g.apply("sqrt", a)
        case (-0.5,):
            return g.apply("div", 1.0, g.apply("sqrt", a))
        case (-1.0,):
            return g.apply("div", 1.0, a)
    raise Refused("a power other than 2, 3, 1/2, -1/2 and -1")


def _softplus(g: Graph, a: Node, *more: Node) -> Node:
    if any(m.args != (d,) for m, d in zip(more, (1.0, 20.0))):
        raise Refused("torch's softplus with options")
    return g.apply("neg", g.apply("logsigmoid", g.apply("neg", a)))


def _gelu(g: Graph, a: Node) -> Node:
    inner = g.apply("add", g.apply("erf", g.apply("mul", a, 0.7071067811865476)), 1.0)
    return g.apply("mul", g.apply("mul", a, 0.5), inner)


def _addcmul(g: Graph, a: Node, b: Node, c: Node, value: float = 1.0) -> Node:
    return g.apply("add", a, g.apply("mul", g.apply("mul", b, c), value))


def _leaky(g: Graph, a: Node, slope: Node | float = 0.01) -> Node:
    return g.apply("where", g.apply("gt", a, 0.0), a, g.apply("mul", a, slope))


def _elu(g: Graph, a: Node) -> Node:
    return g.apply(
        "where",
        g.apply("gt", a, 0.0),
        a,
        g.apply("sub", g.apply("exp", g.apply("minimum", a, 0.0)), 1.0),
    )


def _same(op: str) -> Callable[..., Node]:
    return lambda g, *args: g.apply(op, *args)


POINTWISE: dict[str, Callable[..., Node]] = {
    **{op: _same(op) for op in OPERATIONS},
    "add": _scaled("add"),
    "sub": _scaled("sub"),
    "rsub": lambda g, a, b, alpha=1.0: g.apply("sub", b, g.apply("mul", a, alpha)),
    "reciprocal": lambda g, a: g.apply("div", 1.0, a),
    "rsqrt": lambda g, a: g.apply("div", 1.0, g.apply("sqrt", a)),
    "square": lambda g, a: g.apply("mul", a, a),
    "pow": _power,
    "log_sigmoid_forward": _same("logsigmoid"),
    "softplus": _softplus,
    "silu": lambda g, a: g.apply("mul", a, g.apply("sigmoid", a)),
    "gelu": _gelu,
    "leaky_relu": _leaky,
    "elu": _elu,
    "addcmul": _addcmul,
    "lerp": lambda g, a, b, w: g.apply("add", a, g.apply("mul", w, g.apply("sub", b, a))),
    "sgn": _same("sign"),
    "scalar_tensor": lambda g, a: a,
}  # fmt: skip
