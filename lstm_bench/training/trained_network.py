"""One trained replicate, open to look into: outputs, states, gates, gradients, other frameworks.

Sequences are (B, T, d), or tokens (B, T) of a task that reads them, in numpy or torch, as
`task.sample` draws them; what comes back is of the same library, dtype and device, with B and T
first. Whole numbers are computed with as float32.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from functools import cached_property
from pathlib import Path
from typing import Any, TypeVar

import numpy as np
import torch
from torch import Tensor, nn

from lstm_bench import tasks
from lstm_bench.cells import Params, SequenceCell, flux
from lstm_bench.engine.embedding import looked_up
from lstm_bench.engine.network import Network
from lstm_bench.engine.torch_modules import torch_modules
from lstm_bench.engine.trajectory import Trajectory, jacobian, trajectory
from lstm_bench.errors import BenchError
from lstm_bench.spec import Condition
from lstm_bench.store.files import damaged
from lstm_bench.store.tensors import load_tensors, save_tensors
from lstm_bench.tasks import Batch, Task
from lstm_bench.training import arguments
from lstm_bench.training.evaluation import draw, joined
from lstm_bench.training.losses import LOSSES

Array = TypeVar("Array", np.ndarray, Tensor)
_Restore = Callable[[Tensor], Any]
WHOLE = (torch.int64, torch.int32, torch.int16, torch.uint8)
_PLAIN = {"layers": 1, "bidirectional": False, "readout": "linear", "direct": False}  # as Flux's


@dataclass(frozen=True, eq=False)
class TrainedNetwork:
    """The network of one replicate with its weights.

    condition   what it was trained on, and how
    seed        None where it was trained elsewhere
    weights     by name, as in the cell's equations: matrices (rows, columns), biases (rows,)
    """

    condition: Condition
    seed: int | None
    weights: Mapping[str, np.ndarray]

    @cached_property
    def task(self) -> Task:
        return tasks.create(self.condition.task, self.condition.task_options)

    @cached_property
    def network(self) -> Network:
        """Sizes and equations, without weights."""
        return Network.of(self.condition, self.task)

    def __str__(self) -> str:
        c, seed = self.condition, "trained elsewhere" if self.seed is None else f"seed {self.seed}"
        return f"{c.cell} on {c.task}, T = {c.T}, {seed}"

    def sample(self, sequences: int, T: int | None = None) -> Batch:
        """Held-out sequences of its task: no training and no stopping of this seed has seen them.

        T is the trained length unless another is given. The first n are the same at every call of
        the same `sequences`. Raises BenchError for a length the task cannot have.
        """
        length = self.condition.T if T is None else arguments.whole("T", T)
        self.task.require(length)
        count = arguments.whole("sequences", sequences)
        return joined(list(draw(self.task, length, "probe", self.seed or 0, count)))

    def evaluate(self, batch: Batch) -> tuple[float, float]:
        """Loss and score of its answers to these sequences, as in training."""
        steps = batch.target_steps
        outputs = np.asarray(self.predict(batch.inputs))
        score = self.task.score(outputs[:, steps], batch.at(steps))
        return self.task.evaluate_loss(outputs, batch), score

    def predict(self, x: Array) -> Array:
        """The outputs (B, T, k) at every step: values, or logits where the loss is an entropy.

        Of a tensor that requires a gradient, they can be differentiated.
        """
        inputs, restore = self._given("predict", x)
        with torch.set_grad_enabled(inputs.requires_grad):
            outputs = self._run(inputs).outputs
            return restore(outputs[0].unflatten(1, (len(inputs), -1)).permute(2, 1, 0))

    def states(self, x: Array) -> dict[str, Array]:
        """The state after every step, by the names of the cell: `h` (B, T, width), ...

        In a network of several layers or directions names start with `layer2.` or `backward.`.
        """
        inputs, restore = self._given("states", x)
        with torch.no_grad():
            found = self._run(inputs).states
        return {name: restore(_by_sequence(values)) for name, values in found.items()}

    def gates(self, x: Array) -> dict[str, Array]:
        """The gates at every step, by the names of the cell's equations: `f` (B, T, width), ...

        Raises BenchError for a cell without gates.
        """
        inputs, restore = self._given("gates", x)
        with torch.no_grad():
            found = self._run(inputs, with_gates=True).gates
        if not found:
            raise BenchError(f"gates: cell {self.condition.cell!r} has no gates.")
        return {name: restore(_by_sequence(values)) for name, values in found.items()}

    def gradients(self, x: np.ndarray | Tensor | Batch) -> dict[str, Any]:
        """Gradients with respect to every state and to the inputs, `x`: (B, T, n) each.

        Of a `Batch`, as `sample` draws it, of the loss of each sequence: dL/dh_t. Of sequences
        alone, of the sum of the outputs at the last step. They are total derivatives: that by c_t
        counts what c_t does through h_t of the same step. A cell that cuts its gradient
        (`lstm_1997`) has the gradient it is trained by. Raises BenchError for a layer over whole
        sequences.
        """
        if isinstance(self.network.cell, SequenceCell):
            raise BenchError(
                f"gradients: cell {self.condition.cell!r} reads whole sequences: what a step "
                "passes to the next is not seen."
            )
        batch = x if isinstance(x, Batch) else None
        inputs, restore = self._given("gradients", x if batch is None else batch.inputs)
        with torch.enable_grad():
            inputs = inputs.detach().requires_grad_()
            run = self._run(inputs)
            outputs = run.outputs.unflatten(2, (len(inputs), -1))  # (1, k, T, B)
            total = outputs[:, :, -1].sum() if batch is None else self._loss(outputs, batch)
            sources = [inputs, *(each for values in run.states.values() for each in values)]
            known = [each for each in sources if each.requires_grad]
            found = torch.autograd.grad(total, known, allow_unused=True)
        by_id = {id(each): grad for each, grad in zip(known, found) if grad is not None}
        grads = {
            name: [by_id.get(id(each), torch.zeros_like(each)) for each in values]
            for name, values in run.states.items()
        }
        grads["x"] = list(by_id.get(id(inputs), torch.zeros_like(inputs)))
        return {name: restore(_by_sequence(values)) for name, values in grads.items()}

    def jacobian(self, x: Array, t: int) -> Array:
        """ds_t / ds_{t-1} on the trajectory of each sequence, (B, n, n); t counts from 0.

        s is the whole state, the parts that `states` names one after another; before step 0 it is
        the initial state. Raises BenchError for a step that is not there, and for a network that
        also reads backwards.
        """
        inputs, restore = self._given("jacobian", x)
        if self.network.options.bidirectional:
            raise BenchError(
                "jacobian: network option bidirectional is True, but must be False: its states "
                "at step t depend on the steps after it."
            )
        step = arguments.whole("t", t, least=0, most=len(inputs) - 1)
        params = self._params(inputs)
        state = self.network.initial_state(1, inputs.shape[3], params.V)
        with torch.no_grad():
            if step:
                run = trajectory(self.network, params, inputs[:step])
                state = tuple(values[-1] for values in run.states.values())
        return restore(jacobian(self.network, params, inputs[step], state)[0])

    def to_torch(self) -> tuple[nn.RNNBase, nn.Module]:
        """An nn.LSTM, nn.GRU or nn.RNN (batch first) and the readout, with the same outputs.

            recurrent, readout = net.to_torch()
            y = readout(recurrent(x)[0])

        Of a task that reads tokens, x are their vectors, the rows of `weights["embedding"]`. Raises
        BenchError for a cell that torch.nn does not have.
        """
        return torch_modules(self.network, self._params(torch.zeros(1)))

    def to_flux(self) -> dict[str, np.ndarray]:
        """Wi, Wh and b of Flux's RNNCell, LSTMCell or GRUCell, V and b_y of its Dense readout.

        `numpy.savez("net.npz", **net.to_flux())` is read by NPZ.jl; see `cells.flux`. Raises
        BenchError for a cell or a readout that Flux does not have.
        """
        for name, needed in _PLAIN.items():
            if (value := getattr(self.network.options, name)) != needed:
                raise BenchError(
                    f"to_flux: network option {name} is {value!r}, but must be {needed!r}."
                )
        Wi, Wh, b = flux.to_flux(self.condition.cell, self.weights)
        b_y = self.weights.get("b_y", np.zeros(self.network.outputs, np.float32))
        return {"Wi": Wi, "Wh": Wh, "b": b, "V": self.weights["V"], "b_y": b_y}

    def save(self, path: str | Path) -> Path:
        """Write it as safetensors, a seed block's file of one seed, for `lstm_bench.load_network`.

        Raises BenchError for a path that cannot be written.
        """
        file = Path(path)
        about = {"condition": self.condition.to_json(), "seeds": [self.seed], "code": ""}
        try:
            save_tensors(file, {name: value[None] for name, value in self.weights.items()}, about)
        except OSError as error:
            raise BenchError(f"save: {str(path)!r} cannot be written: {error.strerror}.") from error
        return file

    def _params(self, like: Tensor) -> Params:
        """(1, rows, columns), in the dtype and on the device of `like`."""
        return Params({k: torch.from_numpy(v)[None].to(like) for k, v in self.weights.items()})

    def _run(self, inputs: Tensor, *, with_gates: bool = False) -> Trajectory:
        return trajectory(self.network, self._params(inputs), inputs, with_gates=with_gates)

    def _loss(self, outputs: Tensor, batch: Batch) -> Tensor:
        """The sum over sequences of the mean loss over each one's target steps."""
        order = (2, 1, 0) if batch.targets.ndim == 3 else (1, 0)
        targets = torch.from_numpy(batch.targets.transpose(order).copy()).to(outputs.device)
        targets = targets if targets.dtype == torch.int64 else targets.to(outputs)
        mask = torch.from_numpy(batch.mask).to(outputs)
        weights = (mask / mask.sum(1, keepdim=True).clamp(min=1)).T.flatten()
        losses = LOSSES[self.task.loss](outputs.flatten(2), targets.flatten(-2)[None])
        return (losses * weights).sum()

    def _given(self, method: str, x: Any) -> tuple[Tensor, _Restore]:
        """x (B, T, d), or tokens (B, T), as (T, 1, d, B), and how results become what x was."""
        is_tensor = isinstance(x, Tensor)
        if self.network.vocabulary:
            return self._vectors(method, x), _unchanged if is_tensor else Tensor.numpy
        tensor = x if is_tensor else _from_numpy(method, x)
        d = self.network.inputs
        if tensor.ndim != 3 or tensor.shape[2] != d or 0 in tensor.shape:
            raise BenchError(
                f"{method}: x has shape {tuple(tensor.shape)}, but must be (B, T, {d}): sequences, "
                f"steps, and the {d} input{'s' * (d > 1)} of task {self.condition.task!r}."
            )
        if tensor.is_complex():
            raise BenchError(f"{method}: x is {tensor.dtype}, but must be real numbers.")
        if tensor.dtype not in (torch.float32, torch.float64):
            tensor = tensor.to(torch.float32)
        return tensor.permute(1, 2, 0)[:, None], _unchanged if is_tensor else Tensor.numpy

    def _vectors(self, method: str, x: Any) -> Tensor:
        """The vectors (T, 1, d, B) of tokens (B, T). Raises BenchError for what are none."""
        tokens, V = torch.as_tensor(x), self.network.vocabulary
        fit = tokens.dtype in WHOLE and tokens.ndim == 2 and 0 not in tokens.shape
        if not fit or tokens.min() < 0 or tokens.max() >= V:
            raise BenchError(
                f"{method}: x has shape {tuple(tokens.shape)} and type {tokens.dtype}, but must be "
                f"(B, T) whole numbers from 0 to {V - 1}: the tokens of task "
                f"{self.condition.task!r}."
            )
        rows = self._params(torch.zeros(1, device=tokens.device))
        return looked_up(rows, tokens.T[:, None].long())[1]


def read_network(path: Path, seed: int | None = None) -> TrainedNetwork:
    """A replicate of a model.safetensors: of a seed block, of a run in MLflow, or of `save`.

    seed   which, where the file holds several. Raises BenchError for one that it does not hold,
           DamagedFile for what is no such file.
    """
    arrays, about = load_tensors(path)
    try:
        condition, seeds = Condition.from_json(about["condition"]), list(about["seeds"])
    except (KeyError, TypeError) as error:
        raise damaged(path, error) from error
    if seed is None and len(seeds) > 1:
        raise BenchError(f"seed: {path} holds several; give one of {seeds}.")
    chosen = seeds[0] if seed is None else seed
    if chosen not in seeds:
        raise BenchError(f"seed: {chosen} is not in {path}; it holds {seeds}.")
    if not arrays:
        raise BenchError(f"seed {chosen} has no weights: its training ended in an error.")
    place = seeds.index(chosen)
    return TrainedNetwork(
        condition, chosen, {name: np.asarray(array[place]) for name, array in arrays.items()}
    )


def _by_sequence(steps: Sequence[Tensor]) -> Tensor:
    """A tensor (1, n, B) a step to (B, T, n)."""
    return torch.stack([each[0].flatten(0, -2) for each in steps]).permute(2, 0, 1)


def _unchanged(tensor: Tensor) -> Tensor:
    return tensor


def _from_numpy(method: str, x: Any) -> Tensor:
    array = np.asarray(x)
    if array.dtype.kind not in "fiub":
        raise BenchError(f"{method}: x is {array.dtype}, but must be real numbers, (B, T, d).")
    dtype = np.float64 if array.dtype == np.float64 else np.float32
    return torch.from_numpy(np.array(array, dtype))  # a copy: torch warns of what is read-only
