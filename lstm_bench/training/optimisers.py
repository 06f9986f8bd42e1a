"""Optimisers on flat parameters (R, size): each row is a replicate and is treated alone.

The same updates as torch.optim, step by step (tests/numerics), without the second its first use
costs. `state` is what a checkpoint keeps; rows are dropped as replicates finish.
"""

from __future__ import annotations

from abc import ABC, abstractmethod

from torch import Tensor

from lstm_bench.errors import unknown


class Optimiser(ABC):
    """One update of flat weights from flat gradients, in place; `update` counts from 1."""

    slots: tuple[str, ...] = ()

    def __init__(self, weights: Tensor, learning_rate: float, momentum: float) -> None:
        self.learning_rate, self.momentum = learning_rate, momentum
        self.state = {name: weights.new_zeros(weights.shape) for name in self.slots}

    def keep(self, rows: Tensor) -> None:
        """Forget every replicate but these."""
        self.state = {name: value[rows] for name, value in self.state.items()}

    @abstractmethod
    def step(self, weights: Tensor, gradient: Tensor, update: int) -> None: ...


class Adam(Optimiser):
    """Kingma & Ba (2015), algorithm 1, with β = (0.9, 0.999) and ε = 1e-8."""

    slots = ("m", "v")

    def step(self, weights: Tensor, gradient: Tensor, update: int) -> None:
        m, v = self.state["m"], self.state["v"]
        m.lerp_(gradient, 1 - 0.9)
        v.mul_(0.999).addcmul_(gradient, gradient, value=1 - 0.999)
        root = v.sqrt().div_((1 - 0.999**update) ** 0.5).add_(1e-8)
        weights.addcdiv_(m, root, value=-self.learning_rate / (1 - 0.9**update))


class RMSprop(Optimiser):
    """Tieleman & Hinton (2012), decay 0.9 as in the papers of this field, ε = 1e-8."""

    slots = ("v",)

    def step(self, weights: Tensor, gradient: Tensor, update: int) -> None:
        v = self.state["v"]
        v.mul_(0.9).addcmul_(gradient, gradient, value=1 - 0.9)
        weights.addcdiv_(gradient, v.sqrt().add_(1e-8), value=-self.learning_rate)


class SGD(Optimiser):
    """Gradient descent with heavy-ball momentum: u <- momentum u + g, w <- w - η u."""

    slots = ("u",)

    def step(self, weights: Tensor, gradient: Tensor, update: int) -> None:
        u = self.state["u"]
        u.mul_(self.momentum).add_(gradient)
        weights.add_(u, alpha=-self.learning_rate)


OPTIMISERS: dict[str, type[Optimiser]] = {"adam": Adam, "rmsprop": RMSprop, "sgd": SGD}


def create(name: str, weights: Tensor, learning_rate: float, momentum: float) -> Optimiser:
    """Raises BenchError for an unknown name."""
    if name not in OPTIMISERS:
        raise unknown("optimiser", name, OPTIMISERS)
    return OPTIMISERS[name](weights, learning_rate, momentum)
