"""Layers: a field or a difference, with and without something that keeps fields."""

import map_files
import numpy as np
import pytest
import xarray as xr

from tamrl.maps import catalog, layer, regions
from tamrl.maps.layer import Layer, Reader, colour_range
from tamrl.maps.time_means import Period, field


@pytest.fixture(scope="module")
def entries(tmp_path_factory):
    return catalog.entries_in([map_files.folder(tmp_path_factory.mktemp("maps"), step=10.0)])


@pytest.fixture(scope="module")
def reader():
    earth = map_files.earth(10.0)
    return Reader(
        maps=catalog.open_maps,
        field=lambda entry, name, period: field(catalog.open_maps(entry), name, period),
        vegetated=lambda of: regions.vegetated(earth, of["lat"].values, of["lon"].values),
    )


def test_a_layer_is_a_field_or_one_minus_another(entries, reader):
    july = Period(month=7)
    one, other = entries["first"], entries["second"]
    alone = reader.compute(Layer(entry=one, name="GPP", period=july))
    xr.testing.assert_equal(alone, field(catalog.open_maps(one), "GPP", july))
    same = Layer(entry=one, name="GPP", period=july, other=one, other_period=july)
    assert float(abs(reader.compute(same)).max()) == 0
    there = Layer(entry=one, name="GPP", period=july, other=other, other_period=july)
    back = Layer(entry=other, name="GPP", period=july, other=one, other_period=july)
    np.testing.assert_allclose(reader.compute(there), -reader.compute(back), atol=1e-5)


def test_the_range_of_a_month_is_that_of_the_year(entries, reader):
    asked = [Layer(entry=entries["first"], name="GPP", period=Period(month=month)) for month in (1, 7)]
    found = [layer.limits([one], reader, reader.compute, False, (2, 98)) for one in asked]
    assert found[0] == found[1]
    values = np.concatenate([reader.compute(one).values.ravel() for one in asked[0].over_months()])
    assert found[0] == colour_range(values, False, (2, 98))


def test_a_layer_of_a_year_that_is_not_there_is_told(entries, reader):
    assert reader.has(Layer(entry=entries["third"], name="GPP", period=Period(month=7)))
    assert not reader.has(Layer(entry=entries["third"], name="GPP", period=Period(month=7, year=1900)))
