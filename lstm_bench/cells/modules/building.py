"""Building a module: its own constructor under a seed, and what its weights are."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn

from lstm_bench.errors import BenchError


@contextmanager
def seeded(seed: int) -> Iterator[None]:
    """The generators that constructors draw from start at this seed, and are put back after."""
    legacy = np.random.get_state()  # noqa: NPY002 (constructors may read the legacy generator)
    before = random.getstate(), torch.default_generator.get_state()
    random.seed(seed)
    np.random.seed(seed % 2**32)  # noqa: NPY002
    torch.default_generator.manual_seed(seed)
    try:
        with torch.device("cpu"):
            yield
    finally:
        random.setstate(before[0])
        torch.default_generator.set_state(before[1])
        np.random.set_state(legacy)  # noqa: NPY002


def built(
    name: str,
    maker: Callable[..., Any],
    inputs: int,
    width: int,
    options: Mapping[str, Any],
    seed: int = 0,
) -> nn.Module:
    """The module of these sizes. Raises BenchError with what was tried."""
    tried = ", ".join([str(inputs), str(width), *(f"{k}={v!r}" for k, v in options.items())])
    with seeded(seed):
        try:
            module = maker(inputs, width, **options)
        except BenchError:
            raise
        except Exception as error:
            must = "it must take inputs and width first"
            raise BenchError(
                f"module {name!r}: {getattr(maker, '__name__', name)}({tried}) raised "
                f"{type(error).__name__}: {error}"
                + (f"; {must}." if isinstance(error, TypeError) else ".")
            ) from error
    if not isinstance(module, nn.Module):
        raise BenchError(
            f"module {name!r}: ({tried}) gave a {type(module).__name__}, but must give a "
            "torch.nn.Module."
        )
    _require_sound(name, module)
    return module


def _require_sound(name: str, module: nn.Module) -> None:
    for where, part in module.named_modules():
        if isinstance(part, nn.modules.batchnorm._BatchNorm):
            raise BenchError(
                f"module {name!r}: {where or 'it'} is a {type(part).__name__}, which is not "
                "allowed: what a sequence gives would depend on its batch; use LayerNorm."
            )
    for where, tensor in state_of(module).items():
        if tensor.device.type != "cpu":
            raise BenchError(
                f"module {name!r}: {where} is on {tensor.device}, but must be built on the CPU; "
                "the suite moves it."
            )
        if tensor.is_complex():
            raise BenchError(
                f"module {name!r}: {where} is complex, but must be real; keep its real and its "
                "imaginary part as two parameters."
            )


def state_of(module: nn.Module) -> dict[str, Tensor]:
    """Parameters and buffers by name; what is shared, once."""
    return {**dict(module.named_parameters()), **dict(module.named_buffers())}


def weights_of(module: nn.Module) -> dict[str, Tensor]:
    """What a seed decides: all numbers with a fraction, buffers among them."""
    return {n: t.detach() for n, t in state_of(module).items() if t.is_floating_point()}


def constants_of(module: nn.Module) -> dict[str, Tensor]:
    """The other buffers: indices and masks, the same for all seeds."""
    return {n: t for n, t in state_of(module).items() if not t.is_floating_point()}


def frozen_in(module: nn.Module) -> tuple[str, ...]:
    """Weights that no gradient trains: buffers, and parameters that say so."""
    trained = {name for name, each in module.named_parameters() if each.requires_grad}
    return tuple(name for name in weights_of(module) if name not in trained)
