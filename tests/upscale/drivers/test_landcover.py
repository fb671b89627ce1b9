import numpy as np
from hypothesis import given
from hypothesis import strategies as st
from hypothesis.extra import numpy as hnp

from tamrl.landcover import BARE, KOEPPEN_CLASSES, climate, one_hot, static_inputs, vegetation
from tamrl.schema import IGBP, IGBP_CLASSES, UNKNOWN

NAMES = list(IGBP)


def cell(**shares):
    return np.array([[shares.get(name, 0.0)] for name in NAMES])


def test_a_cell_of_one_class_reads_as_a_tower_of_it():
    classes, share = vegetation(cell(DBF=1.0))
    zone = climate(np.array([4]), {4: "Dfb", 0: UNKNOWN})
    assert share.item() == 1
    assert np.array_equal(np.concatenate([classes, zone], axis=1)[0], static_inputs("DBF", "Dfb"))


def test_bare_ground_ice_and_water_carry_no_flux():
    classes, share = vegetation(cell(GRA=0.3, CRO=0.1, BSV=0.4, SNO=0.1, WAT=0.1))
    assert np.isclose(share.item(), 0.4)
    assert np.allclose(classes[0, [IGBP_CLASSES.index("GRA"), IGBP_CLASSES.index("CRO")]], [0.75, 0.25])
    assert all(classes[0, IGBP_CLASSES.index(c)] == 0 for c in BARE)


def test_classes_that_no_tower_has_are_unknown():
    classes, share = vegetation(cell(URB=0.5, GRA=0.5), frozenset({"GRA"}))
    assert share.item() == 1
    assert np.allclose(classes[0, [IGBP_CLASSES.index(UNKNOWN), IGBP_CLASSES.index("GRA")]], 0.5)


def test_the_dominant_class_can_stand_for_the_cell():
    classes, share = vegetation(cell(GRA=0.4, DBF=0.35, BSV=0.25), dominant=True)
    assert share.item() == 1
    assert classes[0, IGBP_CLASSES.index("GRA")] == 1
    assert vegetation(cell(GRA=0.4, BSV=0.6), dominant=True)[1].item() == 0


def test_without_classes_a_cell_is_vegetated_and_unknown():
    for nothing in (cell(), cell() * np.nan):
        classes, share = vegetation(nothing)
        assert share.item() == 1
        assert classes[0, IGBP_CLASSES.index(UNKNOWN)] == 1


def test_codes_that_are_not_in_the_table_are_unknown():
    assert one_hot(np.array([1, 2, 9]), {1: "ENF", 2: UNKNOWN}).sum(0).tolist() == [1, 0, 0]
    assert climate(np.array([9.0, np.nan]), {1: "A"})[:, KOEPPEN_CLASSES.index(UNKNOWN)].tolist() == [1, 1]


@given(hnp.arrays(np.float64, (17, 5), elements=st.floats(0, 100)), st.booleans())
def test_inputs_are_shares_and_do_not_depend_on_the_unit(fraction, dominant):
    fraction = np.where(fraction < 1e-3, 0, fraction)
    classes, share = vegetation(fraction, frozenset({"ENF", "GRA", "CRO"}), dominant)
    again = vegetation(fraction / 100, frozenset({"ENF", "GRA", "CRO"}), dominant)
    assert np.allclose(classes.sum(1), 1, atol=1e-5)
    assert ((share >= 0) & (share <= 1)).all()
    assert np.allclose(classes, again[0], atol=1e-5)
    assert np.allclose(share, again[1], atol=1e-5)
