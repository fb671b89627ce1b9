"""What is told of a set of maps: what it is, who made it, what its spread means."""

from pathlib import Path

import map_files
import pytest

from tamrl.app.world import about, cache
from tamrl.maps.catalog import MapsEntry

CALIBRATED = "Standard deviation of what a tower would measure, calibrated"


@pytest.fixture
def made(monkeypatch):
    """Entries of made-up maps, which differ in what their spread is said to be."""
    texts = {"a": CALIBRATED, "b": "Standard deviation between five models.", "c": "", "d": CALIBRATED}
    maps = {key: map_files.dataset(30.0).assign_attrs(spread=text) for key, text in texts.items()}
    monkeypatch.setattr(cache, "maps", lambda entry: maps[entry.key])
    return {
        key: MapsEntry(key=key, label=key.upper(), path=Path(f"{key}.nc"), kind="model", simulated=True, version=1)
        for key in texts
    }


def test_the_spread_of_one_is_told_by_its_makers_or_as_theirs(made):
    assert about.spreads([made["b"]]) == "standard deviation between five models."
    assert about.spreads([made["c"]]) == f"{about.SPREAD}."


def test_spreads_of_different_makers_are_not_the_same_thing(made):
    said = about.spreads([made["a"], made["b"], made["d"]])
    assert said.startswith("A and D: standard deviation of what a tower would measure, calibrated; B: standard")
    assert "not the same thing" in said
    assert "not the same thing" in about.spreads([made["c"], made["c"]]), "what is not told is not the same"
    assert "not the same thing" not in about.spreads([made["a"], made["d"]])


def test_what_is_told_of_maps_is_what_their_attributes_say():
    maps = map_files.dataset(10.0, kind="product", years=2, fluxes=("GPP", "NEE")).assign_attrs(
        citation="Who et al. 2024, doi:10.5194/bg-21-5079-2024",
        license="CC-BY-4.0",
        derived="NEE",
        notes="Converted from kg_m-2.",
        comment="Per [land].",
        regridding="1 degree to 10",
        doi="10.5194/x_y",
    )
    found = about.about(
        MapsEntry(key="x", label="X", path=Path("x.zarr"), kind="product", simulated=True, version=1), maps
    )
    rows = dict(line.removeprefix("- ").split(": ", 1) for line in found)
    assert rows["What"] == "Product, imported, SIMULATED"
    assert rows["Citation"].endswith("[doi:10.5194/bg-21-5079-2024](https://doi.org/10.5194/bg-21-5079-2024)")
    assert "https://doi.org/10.5194/x" in rows["DOI"]
    assert rows["Licence"] == "CC-BY-4.0"
    assert rows["Years"] == "2001-2002, 24 months"
    assert rows["Grid"] == "10° × 10°, 18 × 36 cells; land fraction known"
    assert rows["Fluxes"] == "GPP, NEE"
    assert rows["Derived"].startswith("NEE, from NEE = RECO")
    assert rows["Uncertainty"] == "none given"
    assert rows["Regridding"] == "1 degree to 10"
    assert rows["Notes"] == r"Converted from kg\_m-2."
    assert rows["Comment"] == r"Per \[land\]."


def test_a_regional_map_tells_where_it_reaches():
    maps = map_files.dataset(10.0).sel(lat=slice(30, 70), lon=slice(-20, 60)).drop_vars("land_fraction")
    found = " ".join(
        about.about(MapsEntry(key="x", label="X", path=Path("x.nc"), kind="model", simulated=False, version=1), maps)
    )
    assert "from 30 to 70 °N and -20 to 60 °E" in found
    assert "whole cells are counted" in found
    assert "doi.org" not in found
