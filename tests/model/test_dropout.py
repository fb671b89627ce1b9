"""Dropout: as many numbers are dropped as asked for, the mean is kept, and a seed says which."""

import pytest
import torch
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.model.dropout import Dropout


@given(share=st.floats(0.02, 0.9), shape=st.tuples(st.integers(1, 9), st.integers(40, 90), st.integers(20, 50)))
@settings(max_examples=25, deadline=None)
def test_a_share_is_dropped_and_the_others_are_scaled_up(share, shape):
    torch.manual_seed(0)
    found = Dropout(share)(torch.ones(shape))
    dropped = (found == 0).float().mean().item()
    # Five standard deviations of a binomial share.
    assert abs(dropped - share) < 5 * (share * (1 - share) / found.numel()) ** 0.5
    assert found[found != 0].unique().tolist() == [pytest.approx(1 / (1 - share), rel=1e-4)]


def test_neighbours_in_one_draw_of_the_generator_are_independent():
    """Four numbers share a draw of 64 bits: none tells of another."""
    torch.manual_seed(1)
    kept = (Dropout(0.35)(torch.ones(400_000)) > 0).float().view(-1, 4)
    assert kept.mean(0).sub(0.65).abs().max() < 5 * (0.65 * 0.35 / len(kept)) ** 0.5
    assert (torch.corrcoef(kept.T) - torch.eye(4)).abs().max() < 5 / len(kept) ** 0.5


def test_the_gradient_passes_where_numbers_were_kept():
    x = torch.randn(5, 7, 3, requires_grad=True)
    made = Dropout(0.5)(x)
    made.sum().backward()
    assert torch.equal(made.detach(), x.detach() * x.grad)
    assert set(x.grad.unique().tolist()) == {0.0, 2.0}


def test_what_is_kept_lies_in_memory_as_the_numbers_do():
    by_day = torch.randn(9, 4, 5).transpose(0, 1)
    kept, _ = Dropout(0.5).kept(by_day)
    assert kept.stride() == by_day.stride()
    torch.manual_seed(2)
    first = Dropout(0.5)(by_day)
    torch.manual_seed(2)
    assert torch.equal(first, Dropout(0.5)(by_day))


@pytest.mark.parametrize(("share", "training"), [(0.0, True), (0.4, False)])
def test_all_is_kept_without_a_share_and_outside_of_training(share, training):
    layer, x = Dropout(share).train(training), torch.randn(3, 4)
    assert layer(x) is x
    kept, scale = layer.kept(x)
    assert scale == 1
    assert torch.equal(kept, torch.ones_like(x))


def test_all_is_dropped_with_a_share_of_one():
    assert torch.equal(Dropout(1.0)(torch.randn(3, 4)), torch.zeros(3, 4))
