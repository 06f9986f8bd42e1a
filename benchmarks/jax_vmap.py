"""The adding problem in JAX: all seeds of a condition in one process, vectorised by vmap.

    python benchmarks/jax_vmap.py --cell lstm --T 50 --seeds 8

The updates between two evaluations are one compiled scan, data included, so that nothing but
compiled code runs in the loop. It prints its results as JSON.
"""

from __future__ import annotations

import argparse
import json
from functools import partial
from typing import Any

import jax
import jax.numpy as jnp

GATES = {"lstm": 4, "gru": 3, "elman": 1}
BETA1, BETA2, EPSILON = 0.9, 0.999, 1e-8


def initial(cell: str, width: int, key: Any) -> dict[str, Any]:
    """Glorot-uniform weights, zero biases, a forget bias of 1."""
    glorot, gates, keys = (
        jax.nn.initializers.glorot_uniform(),
        GATES[cell],
        jax.random.split(key, 3),
    )
    b = jnp.zeros(gates * width)
    return {
        "W": jnp.concatenate([glorot(k, (2, width)) for k in jax.random.split(keys[0], gates)], 1),
        "U": jnp.concatenate(
            [glorot(k, (width, width)) for k in jax.random.split(keys[1], gates)], 1
        ),
        "b": b.at[:width].set(1.0) if cell == "lstm" else b,
        "b_u": jnp.zeros(width),
        "V": glorot(keys[2], (width, 1)),
        "b_y": jnp.zeros(1),
    }


def outputs(cell: str, p: dict[str, Any], x: Any) -> Any:
    """The readout of the last state (B,) of x (T, B, 2)."""
    zero = jnp.zeros((x.shape[1], p["U"].shape[0]))

    def step(state: Any, a: Any) -> Any:
        h, c = state
        recurrent = h @ p["U"]
        if cell == "elman":
            return (jnp.tanh(a + recurrent), c), None
        if cell == "lstm":
            f, i, o, candidate = jnp.split(a + recurrent, 4, axis=1)
            c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(candidate)
            return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None
        of_x, of_h = jnp.split(a, 3, axis=1), jnp.split(recurrent, 3, axis=1)
        r, z = jax.nn.sigmoid(of_x[0] + of_h[0]), jax.nn.sigmoid(of_x[1] + of_h[1])
        n = jnp.tanh(of_x[2] + r * (of_h[2] + p["b_u"]))
        return ((1 - z) * n + z * h, c), None

    (h, _), _ = jax.lax.scan(step, (zero, zero), x @ p["W"] + p["b"])
    return (h @ p["V"] + p["b_y"])[:, 0]


def adding(key: Any, size: int, T: int) -> tuple[Any, Any]:
    """Inputs (T, size, 2) and the sums (size,)."""
    keys = jax.random.split(key, 3)
    values = jax.random.uniform(keys[0], (T, size))
    first = jax.random.randint(keys[1], (size,), 0, T // 2)
    second = jax.random.randint(keys[2], (size,), T // 2, T)
    marks = jax.nn.one_hot(first, T, axis=0) + jax.nn.one_hot(second, T, axis=0)
    return jnp.stack([values, marks], axis=-1), (values * marks).sum(0)


def loss(cell: str, p: dict[str, Any], data: tuple[Any, Any]) -> Any:
    return ((outputs(cell, p, data[0]) - data[1]) ** 2).mean()


def update(cell: str, batch: int, T: int, rate: float, state: Any, key: Any) -> Any:
    """One update of Adam with the gradient's norm clipped to 1."""
    p, m, v, t = state
    g = jax.grad(partial(loss, cell))(p, adding(key, batch, T))
    norm = jnp.sqrt(sum((x**2).sum() for x in g.values()))
    t = t + 1
    scale = jnp.minimum(1.0, 1.0 / (norm + 1e-6))
    g = {k: x * scale for k, x in g.items()}
    m = {k: BETA1 * m[k] + (1 - BETA1) * g[k] for k in g}
    v = {k: BETA2 * v[k] + (1 - BETA2) * g[k] ** 2 for k in g}
    c1, c2 = 1 - BETA1**t, 1 - BETA2**t
    p = {k: p[k] - rate * (m[k] / c1) / (jnp.sqrt(v[k] / c2) + EPSILON) for k in p}
    return (p, m, v, t), None


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--cell", choices=sorted(GATES), default="lstm")
    parser.add_argument("--T", type=int, default=50)
    parser.add_argument("--seeds", type=int, default=8)
    parser.add_argument("--width", type=int, default=32)
    parser.add_argument("--batch", type=int, default=32)
    parser.add_argument("--updates", type=int, default=1000)
    parser.add_argument("--evaluate-every", type=int, default=50)
    parser.add_argument("--validation-size", type=int, default=512)
    parser.add_argument("--test-size", type=int, default=2048)
    parser.add_argument("--learning-rate", type=float, default=0.003)
    a = parser.parse_args()

    validation = adding(jax.random.key(10**6), a.validation_size, a.T)
    test = adding(jax.random.key(10**6 + 1), a.test_size, a.T)
    keys = jax.vmap(jax.random.key)(jnp.arange(a.seeds))
    p = jax.vmap(partial(initial, a.cell, a.width))(keys)
    zeros = jax.tree.map(jnp.zeros_like, p)
    state = (p, zeros, zeros, jnp.zeros(a.seeds))

    @jax.jit
    def some_updates(state: Any, keys: Any) -> Any:
        one = partial(update, a.cell, a.batch, a.T, a.learning_rate)
        return jax.vmap(lambda s, k: jax.lax.scan(one, s, k)[0])(state, keys)

    evaluate = jax.jit(jax.vmap(partial(loss, a.cell), in_axes=(0, None)))
    history = [evaluate(state[0], validation)]
    for round_ in range(a.updates // a.evaluate_every):
        fresh = jax.vmap(lambda key, n=round_: jax.random.fold_in(key, n + 1))(keys)
        each = jax.vmap(lambda key: jax.random.split(key, a.evaluate_every))(fresh)
        state = some_updates(state, each)
        history.append(evaluate(state[0], validation))
    told = {"validation": history[-1], "test": evaluate(state[0], test)}
    print(json.dumps({name: [float(x) for x in values] for name, values in told.items()}))


if __name__ == "__main__":
    main()
