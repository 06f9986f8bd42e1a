"""An intervention on the gradient: what would be learnt if it fell at another rate?

With g_t = dL/dh_t, the total derivative, s the last target step and a decay d,

    g_t  <-  g_t d^(s - t) |g_s| / |g_t|        t = s - 1 ... 0

before it is passed on to step t - 1 and to the weights of step t. The norm is that of a replicate,
over units and sequences of the batch, so that directions and the shares of the sequences stay. With
d = 1 it neither vanishes nor explodes: the norm is what is restored, not what directions have lost
on the way. A gradient of exactly zero stays zero.
"""

from __future__ import annotations

import torch
from torch import Tensor


class SetNorm:
    """Sets the norms of the gradients of one backward pass, which meets step `last` first.

    decay   d, more than 0
    last    s, the last target step
    """

    def __init__(self, decay: float, last: int) -> None:
        self.decay, self.last = decay, last
        self._norms: Tensor | None = None  # (R, 1, 1), of step `last`

    def of(self, h: Tensor, step: int) -> Tensor:
        """A hidden state (R, H, B) of a step, whose gradient will have the norm that is set."""
        if h.requires_grad and step <= self.last:
            h.register_hook(lambda gradient: self._set(gradient, step))
        return h

    def _set(self, gradient: Tensor, step: int) -> Tensor:
        norms = torch.linalg.vector_norm(gradient.flatten(1), dim=1)[:, None, None]
        if step == self.last:
            self._norms = norms
            return gradient
        assert self._norms is not None
        wanted = self._norms * self.decay ** (self.last - step)
        return gradient * torch.where(norms > 0, wanted / norms, 0.0)
