"""The readout: its weights, and its products, y_t = V h_t for all steps that are read.

Hidden states come by step, (S, R, h, B), outputs go by replicate, (R, k, S * B). A network has few
outputs and many hidden states: it is the outputs that are put in order, and the states stay where
they are, except for dV, which sums over steps and sequences in one product.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.engine.network_options import NetworkOptions
from lstm_bench.engine.parameters import in_company, product

SMALL = 400  # below so many multiplications torch takes loops of its own, with other last bits


def shapes(
    options: NetworkOptions, outputs: int, seen: int, inputs: int
) -> dict[str, tuple[int, ...]]:
    """Those of its weights for `seen` hidden units and, where it is direct, for the inputs."""
    found: dict[str, tuple[int, ...]] = {"V": (outputs, seen)}
    if options.direct:
        found["V_x"] = (outputs, inputs)
    if options.readout_bias:
        found["b_y"] = (outputs,)
    return found


def init(
    rng: np.random.Generator, options: NetworkOptions, shapes: Mapping[str, tuple[int, ...]]
) -> dict[str, np.ndarray]:
    """The weights of one replicate; see `NetworkOptions.readout_range`."""
    limit, weights = options.readout_range, {}
    for name, shape in shapes.items():
        if limit:
            weights[name] = rng.uniform(-limit, limit, shape)
        elif name == "b_y":
            weights[name] = initialise.zeros(*shape)
        else:
            weights[name] = initialise.glorot(rng, *shape)
    return weights


def columns(at_steps: Tensor) -> Tensor:
    """(S, R, h, B) to (R, h, S * B)."""
    return at_steps.permute(1, 2, 0, 3).flatten(2)


def read_out(V: Tensor, hidden: Tensor) -> Tensor:
    """V (R, k, h) times hidden states (S, R, h, B): outputs (R, k, S * B).

    The bits are those of one product a replicate, however many steps and replicates there are.
    """
    (S, _, h, B), k = hidden.shape, V.shape[1]
    if S == 1 or h == 1 or k * h * B < SMALL:
        return product(V, columns(hidden))
    return _AllSteps.apply(V, hidden)


class _AllSteps(torch.autograd.Function):
    """Two steps or more, so that no product is of a batch of one (see `product`)."""

    @staticmethod
    def forward(ctx: Any, V: Tensor, hidden: Tensor) -> Tensor:
        ctx.save_for_backward(V, hidden)
        return columns(V @ hidden)

    @staticmethod
    @torch.autograd.function.once_differentiable
    def backward(ctx: Any, dy: Tensor) -> tuple[Tensor | None, Tensor | None]:
        V, hidden = ctx.saved_tensors
        dV = dh = None
        if ctx.needs_input_grad[0]:
            # in company before it is turned: afterwards it would be another routine's factor
            dV = torch.bmm(in_company(dy), in_company(columns(hidden)).mT)[: len(V)]
        if ctx.needs_input_grad[1]:
            dh = V.mT @ dy.unflatten(2, (len(hidden), -1)).permute(2, 0, 1, 3)
        return dV, dh
