"""The cells in JAX, for one network: rows are sequences, as JAX scripts have it."""

from __future__ import annotations

from typing import Any

import jax
import jax.numpy as jnp

GATES = {"lstm": "fioc", "gru": "rzn"}


def last_hidden(cell: str, p: dict[str, Any], x: Any) -> Any:
    """The hidden states (B, H) after the last step of x (T, B, D); parameters (h, d), (h, 1)."""
    gates = GATES.get(cell)
    if gates is None:
        W, U, b = p["W"], p["U"], p["b"]
    else:
        W, U, b = (jnp.concatenate([p[f"{k}_{gate}"] for gate in gates]) for k in "WUb")
    from_inputs = x @ W.T + b[:, 0]  # of all steps at once
    h = jnp.zeros((x.shape[1], U.shape[1]), x.dtype)

    def lstm(state: Any, a: Any) -> Any:
        h, c = state
        f, i, o, candidate = jnp.split(a + h @ U.T, 4, axis=-1)
        c = jax.nn.sigmoid(f) * c + jax.nn.sigmoid(i) * jnp.tanh(candidate)
        return (jax.nn.sigmoid(o) * jnp.tanh(c), c), None

    def gru(state: Any, a: Any) -> Any:
        (h,) = state
        of_x, of_h = jnp.split(a, 3, axis=-1), jnp.split(h @ U.T, 3, axis=-1)
        r, z = (jax.nn.sigmoid(of_x[k] + of_h[k]) for k in (0, 1))
        n = jnp.tanh(of_x[2] + r * (of_h[2] + p["b_u"][:, 0]))
        return ((1 - z) * n + z * h,), None

    def plain(state: Any, a: Any) -> Any:
        act = jax.nn.relu if cell == "irnn" else jnp.tanh
        return (act(a + state[0] @ U.T),), None

    step = {"lstm": lstm, "gru": gru}.get(cell, plain)
    start = (h, h) if cell == "lstm" else (h,)
    return jax.lax.scan(step, start, from_inputs)[0][0]
