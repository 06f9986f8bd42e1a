"""What others offer for the same computation: torch.nn, as it comes and tuned, and JAX.

torch.nn has no axis of replicates: R modules run one after another, which is what a script that
trains R seeds does. JAX scans over time a step that is vectorised over replicates (vmap), with the
input products taken out of the loop, compiled once a shape.
"""

from __future__ import annotations

import importlib.util
import time
from collections.abc import Mapping
from typing import Any

import numpy as np

from lstm_bench.speed.cases import Case
from lstm_bench.speed.contenders import Contender, finish

CELLS = ("lstm", "gru", "elman", "irnn")
GATES = {"lstm": "fioc", "gru": "rzn"}
TORCH_GATES = {"lstm": "ifco", "gru": "rzn"}  # the order in which torch.nn stacks them


def available(cell: str, device: str) -> list[str]:
    """The peers that know this cell, on this device."""
    if cell not in CELLS:
        return []
    jax = ["jax"] if device == "cpu" and importlib.util.find_spec("jax") else []
    return ["torch.nn", "torch.nn tuned", *jax]


def stacked(cell: str, weights: Mapping[str, Any], r: int) -> dict[str, np.ndarray]:
    """Replicate r's weights as torch.nn has them."""

    def rows(letter: str) -> np.ndarray:
        if cell not in TORCH_GATES:
            return np.asarray(weights[letter][r])
        return np.concatenate([weights[f"{letter}_{gate}"][r] for gate in TORCH_GATES[cell]])

    W, U, b = rows("W"), rows("U"), rows("b")[:, 0]
    second = np.zeros_like(b)
    if cell == "gru":  # the candidate keeps a recurrent bias of its own
        second[2 * len(b) // 3 :] = weights["b_u"][r][:, 0]
    return {"weight_ih_l0": W, "weight_hh_l0": U, "bias_ih_l0": b, "bias_hh_l0": second}


def unstacked(cell: str, gradients: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
    """torch.nn's gradients, each (R, ...), by the names of the cell's parameters."""
    found = {}
    for letter, name in (("W", "weight_ih_l0"), ("U", "weight_hh_l0"), ("b", "bias_ih_l0")):
        value = gradients[name] if letter != "b" else gradients[name][..., None]
        if cell not in TORCH_GATES:
            found[f"d{letter}"] = value
            continue
        parts = np.split(value, len(TORCH_GATES[cell]), axis=1)
        found |= {f"d{letter}_{gate}": part for gate, part in zip(TORCH_GATES[cell], parts)}
    if cell == "gru":
        found["db_u"] = np.split(gradients["bias_hh_l0"][..., None], 3, axis=1)[2]
    return found


class TorchNN(Contender):
    """nn.LSTM, nn.GRU or nn.RNN; tuned means the same settings as the suite's own processes."""

    kept = ("device",)

    def __init__(self, tuned: bool, device: str = "cpu") -> None:
        import torch

        from lstm_bench.engine.runtime import configure

        if tuned:
            configure()
        self.device = torch.device(device)

    def open(self, case: Case, weights: Mapping[str, np.ndarray]) -> float:
        import torch

        self.cell, self.modules = case.cell, []
        for r in range(case.replicates):
            module = self._module(case).to(self.device)
            values = stacked(case.cell, weights, r)
            module.load_state_dict({k: torch.from_numpy(v).float() for k, v in values.items()})
            self.modules.append(module)
        each = np.ascontiguousarray(case.draw_inputs().transpose(1, 0, 3, 2))  # (R, T, B, D)
        self.inputs = torch.from_numpy(each).to(self.device)
        G = np.ascontiguousarray(case.draw_direction().transpose(0, 2, 1))  # (R, B, H)
        self.direction = torch.from_numpy(G).to(self.device)
        return 0.0

    def _module(self, case: Case) -> Any:
        from torch import nn

        if case.cell == "lstm":
            return nn.LSTM(case.inputs, case.width)
        if case.cell == "gru":
            return nn.GRU(case.inputs, case.width)
        kind = "relu" if case.cell == "irnn" else "tanh"
        return nn.RNN(case.inputs, case.width, nonlinearity=kind)

    def call(self) -> None:
        import torch

        self.hidden, self.gradients = [], []
        for module, x, direction in zip(self.modules, self.inputs, self.direction):
            outputs, _ = module(x)
            leaves = list(module.parameters())
            self.gradients.append(torch.autograd.grad((outputs[-1] * direction).sum(), leaves))
            self.hidden.append(outputs[-1].detach())
        finish(self.device)

    def results(self) -> dict[str, np.ndarray]:
        import torch

        names = [name for name, _ in self.modules[0].named_parameters()]
        columns = (torch.stack(each).cpu().numpy() for each in zip(*self.gradients))
        hidden = torch.stack(self.hidden).cpu().numpy().transpose(0, 2, 1)
        return {"hidden": hidden, **unstacked(self.cell, dict(zip(names, columns)))}


class JaxScan(Contender):
    """jax.lax.scan over time, jax.vmap over replicates, jax.jit around it and its gradient."""

    def __init__(self) -> None:
        import jax  # part of the start

        jax.devices()

    def open(self, case: Case, weights: Mapping[str, np.ndarray]) -> float:
        import jax
        import jax.numpy as jnp

        from lstm_bench.speed.jax_cells import last_hidden

        read = {k: v for k, v in weights.items() if k not in ("V", "b_y")}
        self.weights = {k: jnp.asarray(v, dtype=jnp.float32) for k, v in read.items()}
        self.inputs = jnp.asarray(case.draw_inputs().transpose(1, 0, 3, 2))  # (R, T, B, D)
        self.direction = jnp.asarray(case.draw_direction().transpose(0, 2, 1))  # (R, B, H)

        def loss(weights: Any, inputs: Any, direction: Any) -> tuple[Any, Any]:
            hidden = jax.vmap(lambda p, x: last_hidden(case.cell, p, x))(weights, inputs)
            return (hidden * direction).sum(), hidden

        started = time.perf_counter()
        both = jax.jit(jax.grad(loss, has_aux=True))
        self.compiled = both.lower(self.weights, self.inputs, self.direction).compile()
        return time.perf_counter() - started

    def planned_memory(self) -> int | None:
        planned: Any = self.compiled.memory_analysis()
        return None if planned is None else int(planned.temp_size_in_bytes)

    def call(self) -> None:
        import jax

        self.found = self.compiled(self.weights, self.inputs, self.direction)
        jax.block_until_ready(self.found)

    def results(self) -> dict[str, np.ndarray]:
        gradients, hidden = self.found
        named = {f"d{k}": np.asarray(v) for k, v in gradients.items()}
        return {"hidden": np.asarray(hidden).transpose(0, 2, 1), **named}
