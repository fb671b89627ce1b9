"""Published totals are read strictly; how ours stand to them follows from the numbers."""

import pytest
import xarray as xr
import yaml

from tamrl.errors import TamrlError
from tamrl.globe.contract import land_area
from tamrl.maps import aggregate, catalog, global_totals
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.global_totals import read_published
from tamrl.maps.time_means import Period, field


def test_the_published_totals_are_those_of_the_papers():
    found = {(p.product, p.flux): p for p in read_published()}
    gpp, nee, reco = (found["FLUXCOM-X-BASE", flux] for flux in ("GPP", "NEE", "RECO"))
    assert (gpp.mean, gpp.plus_minus, gpp.years, gpp.doi) == (124.7, 2.1, (2001, 2020), "10.5194/bg-21-5079-2024")
    assert (nee.mean, nee.plus_minus) == (-5.75, 0.33)
    assert nee.ends == pytest.approx((-6.08, -5.42))
    assert reco.derived
    assert reco.mean == pytest.approx(118.95)
    assert reco.plus_minus is None
    assert found["FLUXCOM members", "GPP"].ends == (106, 130)
    assert found["ERF", "GPP"].text == "132.7"
    assert found["MCI", "GPP"].text == "141.9 ± 4"
    assert nee.text == "−5.75 ± 0.33"


@pytest.mark.parametrize(
    ("old", "new"),
    [
        ("mean: 132.7", "mean: many"),
        ("mean: 132.7", "low: 1"),
        ("flux: NEE", "flux: NBP"),
        (" doi: 10.", " link: 10."),
        ("mean: 132.7", "mean: 132.7\n    colour: red"),
        ("unit: PgC yr-1", "unit: GtC"),
        ("[2001, 2022]", "2001"),
        ("low: 106", "low: 206"),
        ("totals:", "totals"),
        ("doi: 10.5194/bg-17", "doi: http://10.5194/bg-17"),
    ],
)
def test_what_is_not_understood_is_an_error(tmp_path, old, new):
    text = global_totals.published_path().read_text()
    assert old in text
    file = tmp_path / "published.yaml"
    file.write_text(text.replace(old, new))
    with pytest.raises(TamrlError):
        read_published(file)


def test_a_missing_file_is_an_error(tmp_path):
    with pytest.raises(TamrlError, match="cannot be read"):
        read_published(tmp_path / "none.yaml")


def test_the_verdict_says_by_how_much_and_why():
    published = read_published()
    far = global_totals.verdict("NEE", -17.2, published)
    assert far == "NEE is −17.2 PgC yr⁻¹; 11.4 (199 %) more uptake than FLUXCOM-X-BASE (−5.75 ± 0.33)."
    assert any("forests" in reason for reason in global_totals.reasons("NEE", -17.2, published))
    assert len(global_totals.reasons("NEE", -1.0, published)) == 1
    assert global_totals.reasons("RECO", 114.2, published) == (), "within five percent of a total without uncertainty"
    assert len(global_totals.reasons("RECO", 100.0, published)) == 2
    assert global_totals.reasons("RECO", 140.0, published) == global_totals.GROSS_REASONS
    inside = global_totals.verdict("GPP", 134.0, published)
    assert "within the published totals, 106.0 to 145.9" in inside
    assert "9.3 (7 %) more than FLUXCOM-X-BASE" in inside
    assert global_totals.reasons("GPP", 134.0, published) == ()
    assert "4.1 above the highest" in global_totals.verdict("GPP", 150.0, published)
    assert "6.0 below the lowest" in global_totals.verdict("GPP", 100.0, published)
    assert global_totals.reasons("GPP", 150.0, published) == global_totals.GROSS_REASONS
    assert "follows from its GPP and NEE" in global_totals.verdict("RECO", 118.0, published)
    assert "no published total" in global_totals.verdict("NEE", -5, [])


def test_the_verdict_knows_ranges_alone():
    about = dict(years=(2008, 2010), citation="Someone 2020", doi="10.1/x")
    gross = [global_totals.Published(product="Members", flux="GPP", low=106.0, high=130.0, **about)]
    assert global_totals.verdict("GPP", 120.0, gross) == (
        "GPP is 120.0 PgC yr⁻¹; within the range of Members (106 to 130)."
    )
    assert "13.0 (10 %) more than Members (106 to 130)" in global_totals.verdict("GPP", 143.0, gross)
    assert "6.0 (6 %) less than Members (106 to 130)" in global_totals.verdict("GPP", 100.0, gross)
    net = [global_totals.Published(product="Members", flux="NEE", low=-3.0, high=0.0, **about)]
    assert "1.0 less uptake than Members" in global_totals.verdict("NEE", 1.0, net)


def test_spread_over_members_is_known_of_bundled_maps_alone(tmp_path, monkeypatch):
    monkeypatch.setattr(global_totals, "bundled_maps", lambda: tmp_path)
    entry = MapsEntry(key="ours", label="Ours", path=tmp_path / "ours.nc", kind="model", simulated=False, version=1)
    assert global_totals.member_spread(entry) == {}
    (tmp_path / "totals.yaml").write_text("ours: {GPP: {mean: 130, sd: 2.5}, NEE: {mean: -9}}\n")
    assert global_totals.member_spread(entry) == {"GPP": 2.5}
    other = MapsEntry(
        key="theirs", label="Theirs", path=tmp_path / "maps" / "ours.nc", kind="model", simulated=False, version=1
    )
    assert global_totals.member_spread(other) == {}
    (tmp_path / "totals.yaml").write_text("- 1\n")
    with pytest.raises(TamrlError, match="cannot be read"):
        global_totals.member_spread(entry)


def test_the_totals_of_the_bundled_maps_are_those_of_their_members():
    """What the page adds up from the packed maps is what was added up from each member when they were made."""
    file = catalog.bundled_maps() / "totals.yaml"
    for key, fluxes in yaml.safe_load(file.read_text()).items():
        with xr.open_dataset(file.parent / f"{key}.nc") as maps:
            for flux, known in fluxes.items():
                found = aggregate.total(field(maps, flux, Period()), land_area(maps))
                # Packed in steps of 0.05 gC m-2 d-1, which round either way: over all cells a hundredth is left.
                assert found == pytest.approx(known["mean"], abs=0.02), (key, flux)
