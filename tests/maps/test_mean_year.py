"""The mean year of towers, and maps held against it."""

import numpy as np
import pandas as pd
import pytest
import xarray as xr

from tamrl.errors import TamrlError
from tamrl.maps.at_towers import score_against_towers
from tamrl.maps.mean_year import COLUMNS, against_mean_year, bundled_means, load_means, mean_year
from tamrl.schema import FLUXES

MONTHS = pd.date_range("2001-01-01", "2003-12-01", freq="MS")


def towers():
    """Two monthly towers: GPP is the month, and a tenth of the year more; the second lacks all but its first year."""
    month = np.tile(MONTHS.month + (MONTHS.year - 2002) / 10, (2, 1)).astype("float32")
    month[1, 12:] = np.nan
    return xr.Dataset(
        dict.fromkeys(FLUXES, (("site", "time"), month)) | {"NEE_QC": (("site", "time"), np.ones_like(month))},
        {
            "site": ["AA-One", "BB-Two"],
            "time": MONTHS,
            "lat": ("site", [5.0, 15.0]),
            "lon": ("site", [15.0, 25.0]),
            "igbp": ("site", ["DBF", "GRA"]),
        },
        {"frequency": "1MS"},
    )


def maps(times):
    """Maps whose GPP is the month plus one, and a year later two."""
    lat, lon = np.arange(-85, 90, 10.0), np.arange(-175, 180, 10.0)
    value = np.array([when.month + 1 + (when.year - times[0].year) for when in times], "float32")
    field = np.broadcast_to(value[:, None, None], (len(times), len(lat), len(lon)))
    found = xr.Dataset({"GPP": (("time", "lat", "lon"), field)}, {"time": times, "lat": lat, "lon": lon})
    return found.assign_attrs(title="made up")


def test_a_month_of_one_year_is_no_mean_year():
    table = mean_year(towers())
    assert list(table.columns) == list(COLUMNS)
    assert set(table["site"]) == {"AA-One"}
    gpp = table[table["flux"] == "GPP"].set_index("month")
    assert np.allclose(gpp["observed"], gpp.index)  # the mean of three years
    assert (gpp["years"] == 3).all()


def test_maps_of_years_are_averaged_to_their_mean_year():
    table = against_mean_year(maps(pd.date_range("2010-01-01", periods=24, freq="MS")), mean_year(towers()))
    assert len(table) == 12
    assert np.allclose(table["product"] - table["observed"], 1.5)
    assert table.attrs["left_out"] == {}
    scores = score_against_towers(table).iloc[0]
    assert (scores["towers"], scores["n"]) == (1, 12)
    assert scores["bias"] == pytest.approx(1.5, abs=1e-5)


def test_maps_without_a_flux_of_towers_are_refused():
    with pytest.raises(TamrlError, match="no flux that towers measure"):
        against_mean_year(maps(MONTHS[:12]).rename(GPP="NBE"), mean_year(towers()))


def test_the_bundled_table_has_means_of_the_size_of_fluxes_and_no_series():
    table = load_means(bundled_means())
    assert not table.duplicated(["site", "month", "flux"]).any()
    assert table["month"].between(1, 12).all()
    assert (table["years"] >= 2).all()
    wide = table.pivot(index=["site", "month"], columns="flux", values="observed")
    assert wide["GPP"].between(-1, 25).all()  # maize in July has 22
    assert wide["NEE"].between(-15, 10).all()
    # Summer of the north takes up more than winter: signs and months are right.
    north = table[(table["lat"] > 40) & (table["flux"] == "NEE")].groupby("month")["observed"].mean()
    assert north[6] < -1 < 0 < north[12]


def test_a_damaged_table_is_said(tmp_path):
    (tmp_path / "x.parquet").write_bytes(b"PAR1 no")
    with pytest.raises(TamrlError, match="cannot be read"):
        load_means(tmp_path / "x.parquet")
    load_means(bundled_means()).drop(columns="qc").to_parquet(tmp_path / "y.parquet")
    with pytest.raises(TamrlError, match="no column 'qc'"):
        load_means(tmp_path / "y.parquet")
