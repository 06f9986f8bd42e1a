"""The peephole LSTM and the eight variants of it that Greff et al. compared, written once."""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

import numpy as np
import torch
from torch import Tensor

from lstm_bench.cells import initialise
from lstm_bench.cells.base import Cell, Params, State, sigmoid, tanh

GREFF = "Greff, Srivastava, Koutnik, Steunebrink & Schmidhuber (2017), LSTM: A Search Space Odyssey"


@dataclass(frozen=True)
class LSTMPeephole(Cell):
    """An LSTM whose gates see the cell state: the baseline of the variants below.

        z_t = g(W_z x_t + U_z h_{t-1} + b_z)                     block input, g = tanh
        i_t = σ(W_i x_t + U_i h_{t-1} + p_i ⊙ c_{t-1} + b_i)     input gate
        f_t = σ(W_f x_t + U_f h_{t-1} + p_f ⊙ c_{t-1} + b_f)     forget gate
        c_t = z_t ⊙ i_t + c_{t-1} ⊙ f_t                          cell state
        o_t = σ(W_o x_t + U_o h_{t-1} + p_o ⊙ c_t + b_o)         output gate
        h_t = h(c_t) ⊙ o_t                                       block output, h = tanh

    W_* h*d, U_* h*h, b_* and p_* h: 4(hd + hh + h) + 3h parameters. All weights, peepholes too, are
    drawn from N(0, std), std 0.1 as in Greff et al. (from memory, not checked against the paper);
    biases are zero except b_f = `forget_bias`. Greff et al. are not known to have set one; 1 is
    that of `lstm`, so that the two compare on equal terms.
    """

    forget_bias: float = 1.0
    std: float = 0.1

    # what a variant changes
    fixed: ClassVar[str] = ""  # a gate that is always open
    coupled: ClassVar[bool] = False  # f_t = 1 - i_t
    peepholes: ClassVar[bool] = True
    recurrent_gates: ClassVar[bool] = False
    input_squash: ClassVar[bool] = True  # g is tanh, else the identity
    output_squash: ClassVar[bool] = True  # h is tanh, else the identity

    name = "lstm_peephole"
    citation = f"Gers, Schraudolph & Schmidhuber (2002), Learning Precise Timing; {GREFF}"
    formula = (
        r"i_t = \sigma(W_i x_t + U_i h_{t-1} + p_i \odot c_{t-1} + b_i), "
        r"\quad h_t = o_t \odot \tanh(c_t)"
    )
    state: ClassVar[tuple[str, ...]] = ("h", "c")

    @property
    def roles(self) -> dict[str, str]:  # type: ignore[override]
        named = {"write": "i", "keep": "f", "show": "o"}
        return {role: gate for role, gate in named.items() if gate != self.fixed}

    @property
    def gated(self) -> str:
        """The gates with weights of their own."""
        absent = self.fixed + ("f" if self.coupled else "")
        return "".join(gate for gate in "ifo" if gate not in absent)

    def init(
        self, rng: np.random.Generator, inputs: int, width: int, outputs: int
    ) -> dict[str, np.ndarray]:
        weights = {}
        for name in "z" + self.gated:
            weights[f"W_{name}"] = initialise.normal(rng, width, inputs, self.std)
            weights[f"U_{name}"] = initialise.normal(rng, width, width, self.std)
            weights[f"b_{name}"] = initialise.zeros(width)
        if "f" in self.gated:
            weights["b_f"] = initialise.full(width, self.forget_bias)
        if self.coupled:  # σ(-b) = 1 - σ(b): the same start of f_t
            weights["b_i"] = initialise.full(width, -self.forget_bias)
        for gate in self.gated if self.peepholes else "":
            weights[f"p_{gate}"] = initialise.normal(rng, width, 1, self.std)[:, 0]
        for gate in self.gated if self.recurrent_gates else "":
            for source in "ifo":
                weights[f"R_{source}{gate}"] = initialise.normal(rng, width, width, self.std)
        return weights

    def flops(self, inputs: int, width: int, outputs: int) -> int:
        """As elsewhere, and 2 for each peephole."""
        peepholes = len(self.gated) if self.peepholes else 0
        return super().flops(inputs, width, outputs) + 2 * peepholes * width

    def _equations(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """z, i, f, c and o of this step; a gate that is fixed is 1."""
        h, c = state[:2]

        def gate(name: str, c: Tensor) -> Tensor:
            if name == self.fixed:
                return torch.ones_like(c)
            total = p[f"W_{name}"] @ x + p[f"U_{name}"] @ h + p[f"b_{name}"]
            if self.peepholes:
                total = total + p[f"p_{name}"] * c
            if self.recurrent_gates:
                for source, before in zip("ifo", state[2:]):
                    total = total + p[f"R_{source}{name}"] @ before
            return sigmoid(total)

        z = p.W_z @ x + p.U_z @ h + p.b_z
        z = tanh(z) if self.input_squash else z
        i = gate("i", c)
        f = 1 - i if self.coupled else gate("f", c)
        c = z * i + c * f
        o = gate("o", c)
        return {"i": i, "f": f, "o": o, "z": z, "c": c}

    def gates(self, p: Params, x: Tensor, state: State) -> dict[str, Tensor]:
        """i, f, o, without a gate the variant lacks, and the block input z."""
        found = self._equations(p, x, state)
        return {name: found[name] for name in "ifoz" if name != self.fixed}

    def step(self, p: Params, x: Tensor, state: State) -> State:
        found = self._equations(p, x, state)
        c, o = found["c"], found["o"]
        h = (tanh(c) if self.output_squash else c) * o
        return (h, c, found["i"], found["f"], o) if self.recurrent_gates else (h, c)


class LSTMnoInputGate(LSTMPeephole):
    """NIG: `lstm_peephole` without an input gate. Everything enters the cell.

        i_t = 1,   c_t = z_t + c_{t-1} ⊙ f_t,   h_t = tanh(c_t) ⊙ o_t

    3(hd + hh + h) + 2h parameters.
    """

    fixed = "i"
    name = "lstm_nig"
    citation = GREFF
    formula = r"i_t = 1"


class LSTMnoForgetGate(LSTMPeephole):
    """NFG: `lstm_peephole` without a forget gate. The cell only adds up, as in 1997.

        f_t = 1,   c_t = z_t ⊙ i_t + c_{t-1},   h_t = tanh(c_t) ⊙ o_t

    3(hd + hh + h) + 2h parameters; `forget_bias` has no effect.
    """

    fixed = "f"
    name = "lstm_nfg"
    citation = GREFF
    formula = r"f_t = 1"


class LSTMnoOutputGate(LSTMPeephole):
    """NOG: `lstm_peephole` without an output gate. The cell is always read.

        o_t = 1,   h_t = tanh(c_t)

    3(hd + hh + h) + 2h parameters.
    """

    fixed = "o"
    name = "lstm_nog"
    citation = GREFF
    formula = r"o_t = 1"


class LSTMlinearInput(LSTMPeephole):
    """NIAF: `lstm_peephole` without an input activation function.

        z_t = W_z x_t + U_z h_{t-1} + b_z,   h_t = tanh(c_t) ⊙ o_t

    4(hd + hh + h) + 3h parameters. z_t is not bounded.
    """

    input_squash = False
    name = "lstm_niaf"
    citation = GREFF
    formula = r"g(x) = x"


class LSTMlinearOutput(LSTMPeephole):
    """NOAF: `lstm_peephole` without an output activation function.

        h_t = c_t ⊙ o_t

    4(hd + hh + h) + 3h parameters. h_t is not bounded.
    """

    output_squash = False
    name = "lstm_noaf"
    citation = GREFF
    formula = r"h(x) = x"


class LSTMnoPeepholes(LSTMPeephole):
    """NP: `lstm_peephole` without peepholes: the equations of `lstm`, started as the variants are.

        i_t = σ(W_i x_t + U_i h_{t-1} + b_i),  f_t and o_t likewise,   h_t = tanh(c_t) ⊙ o_t

    4(hd + hh + h) parameters.
    """

    peepholes = False
    name = "lstm_np"
    citation = GREFF
    formula = r"p_i = p_f = p_o = 0"


class LSTMcoupled(LSTMPeephole):
    """CIFG: `lstm_peephole` with coupled gates. What enters displaces what was there.

        f_t = 1 - i_t,   h_t = tanh(c_t) ⊙ o_t

    3(hd + hh + h) + 2h parameters. b_i = -`forget_bias` at the start, the same f_t as elsewhere.
    """

    coupled = True
    name = "lstm_cifg"
    citation = GREFF
    formula = r"f_t = 1 - i_t"


class LSTMfullGateRecurrence(LSTMPeephole):
    """FGR: `lstm_peephole` whose gates see all gates of the step before, as in 1997.

        i_t = σ(W_i x_t + U_i h_{t-1} + p_i ⊙ c_{t-1} + b_i
                + R_ii i_{t-1} + R_fi f_{t-1} + R_oi o_{t-1})
        f_t, o_t likewise,   h_t = tanh(c_t) ⊙ o_t

    Nine more matrices R_** h*h: 4(hd + hh + h) + 3h + 9hh parameters. The gates of the step before
    the first are 0.
    """

    recurrent_gates = True
    name = "lstm_fgr"
    citation = GREFF
    formula = r"i_t = \sigma(\dots + R_{ii} i_{t-1} + R_{fi} f_{t-1} + R_{oi} o_{t-1})"
    state = ("h", "c", "i", "f", "o")
