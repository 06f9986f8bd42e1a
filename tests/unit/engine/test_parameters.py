from __future__ import annotations

import itertools

import numpy as np
import torch

from lstm_bench.engine.parameters import Layout, aligned

SHAPES = {"W": (3, 2), "b": (3,), "U": (9, 9), "V": (1, 3)}


def arrays(seed: int) -> dict[str, np.ndarray]:
    rng = np.random.default_rng(seed)
    return {name: rng.normal(size=shape) for name, shape in SHAPES.items()}


def packed() -> tuple[Layout, torch.Tensor]:
    layout = Layout(SHAPES)
    return layout, layout.pack([arrays(0), arrays(1)], torch.zeros(1, dtype=torch.float64))


def test_alignment_rounds_up_and_keeps_multiples():
    assert [aligned(n, 32) for n in (1, 31, 32, 33)] == [32, 32, 32, 64]


def test_every_parameter_starts_at_a_multiple_of_64_and_none_overlap():
    layout, _ = packed()
    spans = sorted((start, start + int(np.prod(s))) for start, s in layout.slots.values())
    assert all(start % 64 == 0 for start, _ in spans)
    assert all(end <= start for (_, end), (start, _) in itertools.pairwise(spans))
    assert spans[-1][1] <= layout.size


def test_what_is_packed_is_unpacked():
    layout, flat = packed()
    unpacked = layout.unpack(flat)
    for seed in (0, 1):
        for name, value in arrays(seed).items():
            np.testing.assert_array_equal(unpacked[name][seed].numpy(), value)


def test_padding_is_zero():
    layout, flat = packed()
    for view in layout.views(flat).values():
        view.zero_()
    assert not flat.any()


def test_views_share_their_memory_and_biases_are_columns():
    layout, flat = packed()
    views = layout.views(flat)
    assert views["b"].shape == (2, 3, 1)
    assert views["W"].shape == (2, 3, 2)
    views["b"][1] = 7
    assert (layout.unpack(flat)["b"][1] == 7).all()


def test_leaves_collect_gradients_and_share_their_memory_with_the_row():
    layout, flat = packed()
    leaves = layout.leaves(flat)
    assert all(leaf.is_leaf and leaf.requires_grad for leaf in leaves.values())
    assert not flat.requires_grad
    flat.add_(1)
    assert torch.equal(leaves.W.detach(), layout.views(flat)["W"])


def test_a_replicates_row_does_not_depend_on_those_beside_it():
    layout, flat = packed()
    alone = layout.pack([arrays(1)], torch.zeros(1, dtype=torch.float64))
    assert torch.equal(alone[0], flat[1])
