"""Modules of torch by name: how they are taken, drawn, identified and refused."""

from __future__ import annotations

import random
from pathlib import Path

import numpy as np
import pytest
import torch

from lstm_bench import cells, registry
from lstm_bench.cells import Params, SequenceCell
from lstm_bench.engine.network import Network
from lstm_bench.errors import BenchError
from lstm_bench.references import code_of_reference
from lstm_bench.registry import code_version
from lstm_bench.training.api import make_condition

OWN = "tests/unit/cells/given/own_modules.py"


def written(tmp_path: Path, name: str, body: str) -> str:
    """A file of modules and the reference to `Module` in it."""
    file = tmp_path / f"{name}.py"
    file.write_text(f"import torch\nfrom torch import nn\n\n{body}\n", encoding="utf-8")
    return f"{file}:Module"


def module(forward: str, start: str = "", head: str = "inputs, width") -> str:
    return (
        "class Module(nn.Module):\n"
        f"    def __init__(self, {head}):\n"
        "        super().__init__()\n"
        "        self.read = nn.Linear(inputs, width)\n"
        f"        {start or 'pass'}\n"
        f"    def forward(self, {forward}\n"
    )


@pytest.mark.parametrize(
    ("reference", "options", "taken", "state"),
    [
        ("torch.nn:LSTMCell", {}, "-> state, with a state of 2 tensors", ("h", "s2")),
        ("torch.nn:GRUCell", {}, "-> state, with a state of one tensor", ("h",)),
        ("torch.nn:LSTM", {}, "a layer over (T, B, d), its last state unused", ("h",)),
        ("torch.nn:LSTM", {"batch_first": True}, "a layer over (B, T, d)", ("h",)),
        (f"{OWN}:Janet", {}, "-> state, with a state of one tensor", ("h",)),
        (f"{OWN}:MultiHead", {"heads": 2}, "-> (output, state)", ("h",)),
        (f"{OWN}:Tied", {}, "-> (output, state), with a state of 2 tensors", ("h", "s2")),
        (f"{OWN}:LearntStart", {}, "-> state", ("h", "begun")),
        (f"{OWN}:CausalAverage", {}, "a layer over (B, T, d)", ("h",)),
        (f"{OWN}:two_layers", {}, "a layer over (B, T, d), its last state unused", ("h",)),
    ],
    ids=str,
)
def test_cells_layers_and_factories_are_told_apart(reference, options, taken, state):
    cell = cells.create(reference, options)
    assert taken in str(cell.call)
    assert cell.state == state
    assert isinstance(cell, SequenceCell) == ("layer" in taken)


def test_what_was_taken_can_be_overruled():
    cell = cells.create("torch.nn:LSTM", {"axes": "BTD"})
    assert "over (B, T, d)" in str(cell.call)
    with pytest.raises(BenchError, match=r"as a layer it raised .* got 3D"):
        cells.create("torch.nn:GRUCell", {"shape": "layer"})
    with pytest.raises(BenchError, match="is a class, not a factory"):
        cells.create("torch.nn:GRUCell", {"shape": "factory"})
    with pytest.raises(
        BenchError, match=r"it gives \(5, 64\), but must give \(output, state\), with"
    ):
        cells.create("torch.nn:GRUCell", {"shape": "cell", "returns": "output_and_state"})


def test_the_options_of_a_constructor_are_those_of_the_cell():
    cell = cells.create("torch.nn:RNN", {"nonlinearity": "relu", "num_layers": 2})
    assert cell.parameters(3, 4, 1) == 4 * (3 + 4 + 2) + 4 * (4 + 4 + 2)
    with pytest.raises(BenchError, match="did you mean 'num_layers'"):
        cells.create("torch.nn:RNN", {"num_layer": 2})
    with pytest.raises(BenchError, match="option bias is 'yes', but must be a bool"):
        cells.create("torch.nn:LSTMCell", {"bias": "yes"})


def test_weights_come_from_the_constructor_under_the_seed_alone():
    network = Network(cells.create("torch.nn:LSTMCell"), 2, 4, 1)
    drawn = []
    for disturbance in (1, 2):
        random.seed(disturbance)
        np.random.seed(disturbance)  # noqa: NPY002
        torch.manual_seed(disturbance)
        before = random.getstate(), torch.get_rng_state()
        drawn.append(network.init(7))
        assert random.getstate() == before[0]
        assert torch.equal(torch.get_rng_state(), before[1])
    assert all(np.array_equal(drawn[0][name], drawn[1][name]) for name in drawn[0])
    assert not np.array_equal(drawn[0]["weight_ih"], network.init(8)["weight_ih"])
    bound = 1 / np.sqrt(4)  # of torch.nn
    assert 0.8 * bound < np.abs(drawn[0]["weight_hh"]).max() <= bound


def test_shapes_of_any_rank_shared_weights_and_buffers():
    heads = cells.create(f"{OWN}:MultiHead")
    assert heads.shapes(2, 8, 1) == {
        "turn": (4, 2, 2),
        "scale": (),
        "read.weight": (8, 2),
        "read.bias": (8,),
    }
    assert heads.widths(2) == range(4, heads.widths(2).stop, 4)
    assert "second.weight" not in cells.create(f"{OWN}:Tied").shapes(2, 8, 1)
    start = cells.create(f"{OWN}:LearntStart")
    assert start.untrained == ("turn",)
    drawn = [Network(start, 2, 4, 1).init(seed)["turn"] for seed in (0, 1)]
    assert not np.array_equal(*drawn), "a buffer is drawn by the seed, like a weight"


def test_a_network_of_any_rank_is_stored_and_read_back():
    layout = Network(cells.create(f"{OWN}:MultiHead"), 2, 8, 1).layout
    weights = [Network(cells.create(f"{OWN}:MultiHead"), 2, 8, 1).init(seed) for seed in (0, 1)]
    flat = layout.pack(weights, torch.zeros(1))
    assert layout.views(flat)["turn"].shape == (2, 4, 2, 2)
    assert layout.views(flat)["scale"].shape == (2, 1, 1)
    for r, row in enumerate(weights):
        for name, value in layout.unpack(flat).items():
            assert np.array_equal(value[r].numpy(), row[name].astype(np.float32)), name


def test_a_learnt_first_state_is_read_at_the_first_step_and_trained():
    cell = cells.create(f"{OWN}:LearntStart")
    network = Network(cell, 2, 4, 1)
    p = network.layout.leaves(network.pack([0, 1], torch.zeros(1)))
    x = torch.randn(3, 2, 2, 32)
    y = network.outputs_at(p, x, [2])
    assert torch.autograd.grad(y.sum(), p["start"], retain_graph=True)[0].abs().sum() > 0
    built = cell.at(2, 4).module
    with torch.no_grad():
        for name, tensor in [*built.named_parameters(), *built.named_buffers()]:
            if name in p:
                tensor.copy_(p[name][1].reshape(tensor.shape))
        h = built.initial_state(32)
        for step in x[:, 1]:
            h = built(step.mT, h)
        expected = p.V[1] @ h.mT + p.b_y[1]
    assert torch.allclose(y[1], expected, atol=1e-6)


def test_the_gates_of_a_module_and_their_roles_are_what_it_says():
    cell = cells.create(f"{OWN}:Janet")
    network = Network(cell, 2, 4, 1)
    p = Params(network.layout.views(network.pack([0, 1], torch.zeros(1))))
    (h,) = (torch.randn(2, 4, 5),)
    x = torch.randn(2, 2, 5)
    gates = cell.gates(cell.prepare(p), x, (h,))
    assert {name: tuple(gate.shape) for name, gate in gates.items()} == dict.fromkeys(
        ("f", "i", "candidate"), (2, 4, 5)
    )
    roles = cell.by_role(gates)
    after = roles["keep"] * h + roles["write"] * gates["candidate"]
    assert torch.allclose(cell.step(cell.prepare(p), x, (h,))[0], after, atol=1e-6)
    assert cells.create("torch.nn:GRUCell").gates(p, x, (h,)) == {}


def test_no_folder_enters_the_identity_and_every_file_that_is_imported_does(tmp_path: Path):
    for place in ("here", "there/deep"):
        folder = tmp_path / place / "parts"
        folder.mkdir(parents=True)
        (folder / "__init__.py").write_text("")
        (folder / "layers.py").write_text("SCALE = 1.0\n")
        (folder.parent / "unused.py").write_text(f"PLACE = {place!r}\n")
        text = module("x, h): return torch.tanh(SCALE * self.read(x) + h)")
        written(folder.parent, "identified", f"from parts.layers import SCALE\n{text}")
    texts = [f"{tmp_path / place}/identified.py:Module" for place in ("here", "there/deep")]
    first, second = map(code_of_reference, texts)
    assert first == second
    (tmp_path / "here/unused.py").write_text("PLACE = 'elsewhere'\n")
    assert code_of_reference(texts[0]) == first
    (tmp_path / "here/parts/layers.py").write_text("SCALE = 2.0\n")
    assert code_of_reference(texts[0]) != first
    condition = make_condition("adding", texts[1], 10)
    assert condition.cell == "identified:Module"
    assert str(tmp_path) not in str(condition.to_json())
    assert condition.id.startswith("adding-T10-identified_module-w32-")
    assert code_version(cells.named(texts[1])) == second


def test_what_is_installed_counts_by_its_version():
    assert code_of_reference("torch.nn:LSTMCell") == code_of_reference("torch.nn:GRU")
    assert code_of_reference("no_such_package.here:Cell") == ""


def test_two_files_of_one_name_are_refused(tmp_path: Path):
    body = module("x, h): return torch.tanh(self.read(x) + h)")
    one, other = tmp_path / "a", tmp_path / "b"
    for folder in (one, other):
        folder.mkdir()
    cells.create(written(one, "twice", body))
    with pytest.raises(BenchError, match="have one name; rename one of them"):
        cells.create(written(other, "twice", body))
    registry._plugins.pop((other / "twice.py").resolve())


FAULTS = {
    "its forward changes read.weight": module(
        "x, h): self.read.weight.data.mul_(0.9); return self.read(x) + h"
    ),
    "BatchNorm1d": module(
        "x, h): return self.norm(self.read(x) + h)", "self.norm = nn.BatchNorm1d(width)"
    ),
    "its output is (5, 64, 2), but must be (5, 64)": module(
        "x, h): return torch.stack([self.read(x) + h] * 2, 2), h"
    ),
    "must be (5, 4, 64)": module("x): return self.read(torch.cat([x, x[:, :1]], 1))"),
    "its output is complex": module("x, h): return (self.read(x) + h) * 1j, h"),
    "w is complex": module("x, h): return h", "self.w = nn.Parameter(torch.zeros(2) * 1j)"),
    "is on meta": module("x, h): return h", "self.w = nn.Parameter(torch.zeros(2, device='meta'))"),
    "but 3 were given; it must take inputs and width first": module(
        "x, h): return h", head="inputs"
    ),
    "is a module that is built already": "Module = nn.GRUCell(2, 3)",
    "is a int, but must be a class": "Module = 3",
    "gave a int, but must give a torch.nn.Module": "def Module(inputs, width): return 3",
    "option heads must be given": module("x, h): return h", head="inputs, width, heads"),
    "does not import: ZeroDivisionError": "1 / 0",
}


@pytest.mark.parametrize("said", FAULTS, ids=lambda said: said[:30])
def test_a_module_that_cannot_be_trained_is_refused_in_one_sentence(said: str, tmp_path: Path):
    text = written(tmp_path, f"fault_{list(FAULTS).index(said)}", FAULTS[said])
    with pytest.raises(BenchError) as refusal:
        cells.create(text)
    assert said in str(refusal.value).replace("an int", "a int")
    assert str(refusal.value).count("\n") == 0


@pytest.mark.parametrize(
    ("text", "said"),
    [
        ("torch.nn:LSTMCel", "did you mean 'LSTMCell'"),
        (
            "torch.nnn:LSTMCell",
            "there is no 'torch.nnn' here, nor installed; did you mean 'torch.nn'",
        ),
        (
            "tests/unit/cells/given/own_module.py:Janet",
            "did you mean 'tests/unit/cells/given/own_mod",
        ),
        ("torch nn:LSTMCell", "it must be package.module:Name or file.py:Name"),
    ],
)
def test_a_module_that_is_not_there_is_answered_with_the_nearest_name(text: str, said: str):
    with pytest.raises(BenchError, match=said):
        cells.create(text)


def test_a_module_joins_no_registry():
    cells.create("torch.nn:GRUCell")
    assert not any(":" in name for name in cells.registry())


def test_a_layer_cannot_be_cut():
    with pytest.raises(BenchError, match="reads whole sequences and has no steps between which"):
        make_condition("adding", "torch.nn:LSTM", 10, truncate=5)
    with pytest.raises(BenchError, match="recompute: True is not allowed with cell"):
        make_condition("adding", "torch.nn:LSTM", 10, recompute=True)
