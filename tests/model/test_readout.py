"""One operation instead of several: the same numbers and the same gradients."""

import pytest
import torch
from torch.nn import functional

from tamrl.model.readout import read_out

PLACES, STEPS, HIDDEN, HEADS, CORRECTED = 3, 11, 5, 2, 2


def parts(by_day):
    torch.manual_seed(0)
    shape = (STEPS, PLACES, HIDDEN) if by_day else (PLACES, STEPS, HIDDEN)
    states = torch.randn(shape, dtype=torch.float64)
    states = (states.transpose(0, 1) if by_day else states).requires_grad_()
    kept = (torch.rand(states.shape) < 0.6).double()
    others = [(HEADS, HIDDEN), (HEADS,), (PLACES, HIDDEN, CORRECTED)]
    return states, kept, 1 / 0.6, *(torch.randn(s, dtype=torch.float64, requires_grad=True) for s in others)


@pytest.mark.parametrize("by_day", [True, False])
def test_it_is_what_separate_operations_give(by_day):
    states, kept, scale, weight, bias, coefficients = parts(by_day)
    made = read_out(states, kept, scale, weight, bias, coefficients)
    torch.testing.assert_close(made.dropped, functional.linear(states * kept * scale, weight, bias))
    torch.testing.assert_close(made.raw, functional.linear(states, weight, bias))
    torch.testing.assert_close(made.correction, states @ coefficients)


@pytest.mark.parametrize("by_day", [True, False])
def test_its_gradients_are_those_of_finite_differences(by_day):
    states, kept, scale, *weights = parts(by_day)
    assert torch.autograd.gradcheck(lambda s, *w: read_out(s, kept, scale, *w), (states, *weights))


def test_an_output_that_nobody_reads_costs_no_gradient():
    """The loss of a batch without support days reads no correction."""
    states, kept, scale, *weights = parts(True)
    made = read_out(states, kept, scale, *weights)
    found = torch.autograd.grad(made.raw.square().sum(), [states, *weights])
    raw = functional.linear(states, *weights[:2])
    expected = torch.autograd.grad(raw.square().sum(), [states, *weights[:2]])
    for one, other in zip(found, (*expected, torch.zeros_like(weights[2])), strict=True):
        torch.testing.assert_close(one, other)
