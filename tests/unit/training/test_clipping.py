from __future__ import annotations

import pytest
import torch

from lstm_bench.training.clipping import clip
from tests.numerics.training import condition, trained

LIMIT = 1.0
EPS = torch.finfo(torch.float32).eps


def gradient() -> torch.Tensor:
    """Four replicates of norm 0.001, 0.999, 5 and 1e6."""
    rows = torch.randn(4, 1000, generator=torch.Generator().manual_seed(0))
    norms = torch.tensor([0.001, 0.999, 5.0, 1e6])
    return rows / rows.norm(dim=1, keepdim=True) * norms.unsqueeze(1)


def test_no_replicate_is_longer_than_the_limit_after_clipping():
    clipped = gradient()
    clip(clipped, "norm", LIMIT)
    assert (clipped.double().norm(dim=1) <= LIMIT * (1 + 8 * EPS)).all()
    torch.testing.assert_close(clipped[2:].norm(dim=1), torch.ones(2), rtol=8 * EPS, atol=0)


def test_a_replicate_shorter_than_the_limit_keeps_every_bit():
    clipped = gradient()
    clip(clipped, "norm", LIMIT)
    assert torch.equal(clipped[:2], gradient()[:2])


def test_clipping_keeps_the_direction():
    clipped = gradient()
    clip(clipped, "norm", LIMIT)
    cosine = torch.cosine_similarity(clipped.double(), gradient().double(), dim=1)
    torch.testing.assert_close(cosine, torch.ones(4, dtype=torch.float64), rtol=16 * EPS, atol=0)


def test_the_norms_returned_are_those_before_clipping():
    for how in ("norm", "value", "none"):
        before = gradient()
        norms = clip(before, how, LIMIT)
        torch.testing.assert_close(
            norms.double(), gradient().double().norm(dim=1), rtol=8 * EPS, atol=0
        )


def test_each_replicate_is_clipped_by_its_own_norm():
    together = gradient()
    clip(together, "norm", LIMIT)
    for r in range(4):
        alone = gradient()[r : r + 1].clone()
        clip(alone, "norm", LIMIT)
        assert torch.equal(alone[0], together[r])


def test_clipping_by_value_clamps_each_number_and_leaves_the_small_ones():
    clipped, before = gradient(), gradient()
    clip(clipped, "value", 0.01)
    assert clipped.abs().max() <= 0.01
    small = before.abs() <= 0.01
    assert torch.equal(clipped[small], before[small])
    assert torch.equal(clipped.sign(), before.sign())


def test_without_clipping_nothing_changes():
    untouched = gradient()
    clip(untouched, "none", LIMIT)
    assert torch.equal(untouched, gradient())


@pytest.mark.parametrize("bad", [float("nan"), float("inf")])
@pytest.mark.parametrize("how", ["norm", "value", "none"])
def test_a_gradient_that_is_not_finite_does_not_touch_its_neighbours(how: str, bad: float):
    clean, poisoned = gradient(), gradient()
    poisoned[1, 5] = bad
    norms = clip(poisoned, how, LIMIT)
    clip(clean, how, LIMIT)
    assert not torch.isfinite(norms[1])
    assert torch.equal(poisoned[[0, 2, 3]], clean[[0, 2, 3]])


@pytest.mark.parametrize("largest", [1e19, 1e30, 3e38])
def test_a_norm_whose_squares_overflow_is_a_norm(largest: float):
    unit = torch.randn(1000, generator=torch.Generator().manual_seed(1))
    unit /= unit.abs().max()
    rows = torch.stack([unit * largest, unit * 3])
    exact = rows.double().norm(dim=1)
    for how in ("norm", "value", "none"):
        clipped = rows.clone()
        norms = clip(clipped, how, LIMIT)
        assert norms.isfinite().all()
        within = exact.clamp(max=torch.finfo(torch.float32).max)
        torch.testing.assert_close(norms.double(), within, rtol=1e-6, atol=0)
        if how == "norm":
            direction = unit.double() / unit.double().norm()
            for row in clipped.double():
                torch.testing.assert_close(row, direction, rtol=1e-5, atol=1e-9)
        if how == "none":
            assert torch.equal(clipped, rows)
    beside, alone = rows.clone(), rows[1:].clone()
    clip(beside, "norm", LIMIT)
    clip(alone, "norm", LIMIT)
    assert torch.equal(beside[1:], alone), "another replicate's overflow changes no bit of this one"


def test_a_gradient_that_is_not_finite_has_no_finite_norm():
    rows = torch.ones(3, 10)
    rows[0, 3], rows[1, 4] = torch.inf, torch.nan
    norms = clip(rows, "norm", LIMIT)
    assert norms.isfinite().tolist() == [False, False, True]


def test_an_exploding_gradient_is_followed_to_the_solution():
    """A GRU on temporal order at T = 320: its gradient passes 1e19 at times, and it learns."""
    c = condition("temporal_order", 320, "gru", 32, updates=700, learning_rate=0.064, batch=32)
    model = trained(c, 3, 3)
    (p,) = model.progress
    assert max(point["gradient_norm"] for point in model.curves[1:]) > 1e15
    assert p.status == "solved", p.reason
