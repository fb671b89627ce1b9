"""Splits by tower."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tamrl.errors import TamrlError
from tamrl.protocol.splits import check_disjoint, folds, hold_out

CLASSES = st.dictionaries(st.text("abcdef", min_size=1, max_size=4), st.sampled_from("XYZ"), min_size=5, max_size=40)


@given(classes=CLASSES, count=st.integers(2, 5), seed=st.integers(0, 99))
def test_folds_are_disjoint_complete_even_and_reproducible(classes, count, seed):
    parts = folds(classes, count, seed)
    together = [site for part in parts for site in part]
    assert sorted(together) == sorted(classes)
    sizes = [len(part) for part in parts]
    assert max(sizes) - min(sizes) <= 1
    assert folds(classes, count, seed) == parts
    for name in set(classes.values()):
        each = [sum(classes[site] == name for site in part) for part in parts]
        assert max(each) - min(each) <= 1, "a class is spread evenly"


@given(classes=CLASSES, share=st.floats(0.05, 0.5), seed=st.integers(0, 99))
def test_hold_out_leaves_towers_on_both_sides(classes, share, seed):
    kept, held = hold_out(classes, share, seed)
    assert kept
    assert held
    assert not set(kept) & set(held)
    assert set(kept) | set(held) == set(classes)


def test_neighbouring_parts_hold_out_other_towers():
    classes = {f"T{i}": "XYZ"[i % 3] for i in range(20)}
    held = [set(hold_out(classes, 0.12, 5, part)[1]) for part in range(8)]
    assert sum(len(h) for h in held) == 20
    assert set.union(*held) == set(classes)


def test_towers_in_two_parts_are_named():
    with pytest.raises(TamrlError, match="both training and test: B"):
        check_disjoint(training=["A", "B"], validation=["C"], test=["B"])


def test_too_few_towers_are_an_error():
    with pytest.raises(TamrlError, match="3 folds of 2 towers"):
        folds({"A": "X", "B": "X"}, 3, 0)
    with pytest.raises(TamrlError, match="At least two towers"):
        hold_out({"A": "X"}, 0.1, 0)
