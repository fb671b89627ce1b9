"""Cases 11, 14, 15, 16, 17, 25 and 32: products whose time axis is not what its labels seem to say."""

import cftime
import numpy as np
import pandas as pd
import pytest
import xarray as xr
from click.testing import CliRunner

from tamrl.cli.main import main
from tamrl.errors import TamrlError
from tamrl.globe.contract import land_area
from tamrl.maps import catalog
from tamrl.maps.aggregate import annual_totals, hovmoeller
from tamrl.maps.products.months import to_months
from tamrl.maps.products.registry import open_product
from tamrl.maps.time_means import Period, field, lacking_months, steps, tells_months
from tamrl.towers.workspace import Workspace

LAT, LON = np.arange(-75.0, 90, 30), np.arange(-165.0, 180, 30)
MAPPING = {"GPP": {"variable": "GPP"}}
JAN_DEC = list(pd.date_range("2001-01-01", periods=12, freq="MS"))


def values(count):
    """GPP that says which step it is of, gC m-2 d-1."""
    return (np.arange(1.0, count + 1)[:, None, None] + np.zeros((count, LAT.size, LON.size))).astype("f4")


def file(path, labels, unit="days since 2001-01-01", calendar="standard", flux=None, bounds=None, name="GPP", **more):
    """Write a product; ``bounds`` is (name of the variable, name that the attribute says, values)."""
    data = values(len(labels)) if flux is None else flux
    units = more.pop("units", "gC m-2 d-1")
    ds = xr.Dataset(
        {name: (("time", "lat", "lon"), data, {"units": units, "cell_methods": "area: mean where land time: mean"})},
        {"time": ("time", np.asarray(labels, float), {"units": unit, "calendar": calendar}), "lat": LAT, "lon": LON},
        more,
    )
    if bounds is not None:
        variable, said, pair = bounds
        if pair is not None:
            ds[variable] = (("time", "hist_interval"), pair)
        if said:
            ds["time"].attrs["bounds"] = said
    ds.to_netcdf(path)
    return path


def edges(calendar="noleap", start="2001-01-01", count=13):
    dates = xr.date_range(start, periods=count, freq="MS", calendar=calendar, use_cftime=True)
    return cftime.date2num(list(dates), "days since 2001-01-01", calendar=calendar).astype(float)


def is_2001(maps):
    assert list(maps.indexes["time"]) == JAN_DEC
    np.testing.assert_allclose(maps["GPP"].values[:, 0, 0], np.arange(1, 13), rtol=1e-5)


@pytest.mark.parametrize(
    ("variable", "said", "there"),
    [
        ("time_bounds", "time_bounds", True),
        ("time_bound", "time_bounds", True),
        ("time_bounds", "", True),
        ("time_bounds", "time_bounds", False),
    ],
)
def test_11_labels_at_the_end_of_the_month(tmp_path, variable, said, there):
    n = edges()
    pair = np.stack([n[:-1], n[1:]], axis=1) if there else None
    path = file(tmp_path / "clm.nc", n[1:], calendar="noleap", bounds=(variable, said, pair))
    maps = open_product(path, mapping=MAPPING)
    is_2001(maps)
    assert ("dated by the end of each month" in maps.attrs.get("notes", "")) is not there


@pytest.mark.parametrize(
    ("epoch", "calendar"),
    [
        ("1582-10-14", "gregorian"),
        ("1582-10-15 00:00:0.0", "gregorian"),
        ("1582-10-14", "proleptic_gregorian"),
        ("0001-01-01", "proleptic_gregorian"),
        ("0000-01-01", "gregorian"),
        ("1582-10-14", ""),
    ],
)
def test_14_epochs_that_only_the_proleptic_calendar_has(tmp_path, epoch, calendar):
    first = np.datetime64(epoch[:10], "D")
    days = [(np.datetime64(f"2001-{m:02d}-15") - first).astype(int) for m in range(1, 13)]
    is_2001(open_product(file(tmp_path / "r.nc", days, f"days since {epoch}", calendar), mapping=MAPPING))


def daily_noleap(tmp_path):
    dates = xr.date_range("2003-01-01", "2004-12-31", freq="D", calendar="noleap", use_cftime=True)
    n = cftime.date2num(list(dates), "days since 2001-01-01", calendar="noleap").astype(float)
    month = np.array([d.month for d in dates], "f4")[:, None, None] + 0 * values(1)
    return file(
        tmp_path / "gpp_Eday_MADEUP-ESM_historical_r1i1p1f1_gn_20030101-20041231.nc",
        n + 0.5,
        calendar="noleap",
        flux=(month / 86_400_000).astype("f4"),
        units="kg m-2 s-1",
        name="gpp",
        mip_era="CMIP6",
        frequency="day",
        bounds=("time_bnds", "time_bnds", np.stack([n, n + 1], axis=1)),
    )


def test_15_february_of_leap_years_is_whole_without_leap_days(tmp_path):
    maps = open_product(daily_noleap(tmp_path))
    assert maps.attrs["calendar"] == "noleap"
    assert "lacks" not in maps.attrs["notes"]
    months = to_months(maps)
    assert months.sizes["time"] == 24
    assert float(months["GPP"].sel(time="2004-02-01")[0, 0]) == pytest.approx(2.0, rel=1e-5)
    # The same where the days were written in a calendar that has the leap day.
    assert to_months(maps.drop_attrs(deep=False).assign_attrs(frequency="1D")).sizes["time"] == 24


def test_15_a_month_that_lacks_a_day_is_left_out_and_it_is_said(tmp_path):
    maps = open_product(daily_noleap(tmp_path))
    part = to_months(maps.isel(time=np.delete(np.arange(730), 100)))
    assert part.sizes["time"] == 23
    assert "1 months of which days are missing were left out" in part.attrs["notes"]


@pytest.mark.parametrize("fill", [np.nan, 9.969209968386869e36, 1e20, -9999.0])
def test_16_a_missing_time_is_called_that(tmp_path, fill):
    labels = np.array([15, 45, 74, 105, 135, 166, 196, 227, 258, 288, 319, fill])
    with pytest.raises(TamrlError, match="The time of step 12 of 12 is missing"):
        open_product(file(tmp_path / "a.nc", labels), mapping=MAPPING)


def test_17_bounds_off_by_hours_or_wrong_in_one_step(tmp_path):
    n = edges("standard")
    wrong = np.stack([n[:-1], n[1:]], axis=1)
    wrong[-1] = wrong[0]
    middle = (n[:-1] + n[1:]) / 2
    maps = open_product(file(tmp_path / "a.nc", middle, bounds=("time_bnds", "time_bnds", wrong)), mapping=MAPPING)
    is_2001(maps)
    assert "the bounds of 1 of 12 steps are missing or wrong" in maps.attrs["notes"]
    d = np.arange(59.0)
    pair = np.stack([d - 0.0625, d + 0.9375], axis=1)
    maps = open_product(file(tmp_path / "b.nc", d + 0.4375, bounds=("time_bnds", "time_bnds", pair)), mapping=MAPPING)
    assert list(maps.indexes["time"][:2]) == [pd.Timestamp("2001-01-01"), pd.Timestamp("2001-01-02")]
    assert "1.5 hours off" in maps.attrs["notes"]


def annual(tmp_path, how):
    """Write annual maps of 3, 4 and 5 gC m-2 d-1 in three ways; return what to open."""
    one = dict(units="gC m-2 yr-1")
    flux = 365.25 * (values(3) + 2)
    if how == "files":
        for i, year in enumerate((2001, 2002, 2003)):
            days = (pd.Timestamp(year, 1, 1) - pd.Timestamp("2001-01-01")).days
            file(tmp_path / f"gpp_annual_{year}.nc", [days], flux=flux[i : i + 1], **one)
        return sorted(tmp_path.glob("gpp_annual_*.nc"))
    if how == "one":
        return [file(tmp_path / "all_years.nc", [0, 365, 730], flux=flux, **one)]
    if how == "middle":
        return [file(tmp_path / "mid_year.nc", [182.0], flux=flux[:1], **one)]
    return [file(tmp_path / "x.nc", [182.5, 547.5, 912.5], flux=flux, frequency="yr", **one)]


@pytest.mark.parametrize("how", ["files", "one", "middle", "said"])
def test_25_a_year_is_a_step_of_its_own(tmp_path, how):
    maps = open_product(annual(tmp_path, how), mapping=MAPPING)
    assert maps.attrs["frequency"] == "1YS"
    assert list(maps.indexes["time"]) == list(pd.date_range("2001-01-01", periods=maps.sizes["time"], freq="YS"))
    assert not tells_months(maps)
    for period in (Period(month=1), Period(month=7), Period(season="JJA")):
        assert steps(maps, period).size == 0
        with pytest.raises(TamrlError, match=f"no {period.label} in these maps: their steps are years"):
            field(maps, "GPP", period)
    assert float(field(maps, "GPP", Period(year=2001)).mean()) == pytest.approx(3.0, rel=1e-5)
    assert lacking_months(maps, 2001) == ()
    totals = annual_totals(maps, "GPP", land_area(maps))
    assert list(totals.index) == [2001, 2002, 2003][: maps.sizes["time"]]
    with pytest.raises(TamrlError, match="their steps are years"):
        hovmoeller(maps, "GPP", land_area(maps))
    with pytest.raises(TamrlError, match="The steps are years"):
        to_months(maps)


def test_25_fields_of_one_july_a_year_are_months(tmp_path):
    for year in (2001, 2002):
        days = (pd.Timestamp(year, 7, 16) - pd.Timestamp("2001-01-01")).days
        file(tmp_path / f"gpp_{year}07.nc", [days])
    maps = open_product(tmp_path, mapping=MAPPING)
    assert list(maps.indexes["time"]) == [pd.Timestamp("2001-07-01"), pd.Timestamp("2002-07-01")]
    assert maps.attrs["frequency"] == "1MS"
    assert "lacks 11 months" in maps.attrs["notes"]
    assert float(field(maps, "GPP", Period(month=7)).mean()) == 1.0


def test_32_bounds_of_20_days_in_each_month(tmp_path):
    n = edges()
    middle = (n[:-1] + n[1:]) / 2
    path = file(
        tmp_path / "gpp_Lmon_MADEUP-f3-L_historical_r1i1p1f1_gr_200101-200112.nc",
        middle,
        calendar="noleap",
        flux=values(12) / 86_400_000,
        units="kg m-2 s-1",
        name="gpp",
        mip_era="CMIP6",
        frequency="mon",
        bounds=("time_bnds", "time_bnds", np.stack([middle - 10, middle + 10], axis=1)),
    )
    is_2001(open_product(path))


def test_the_command_line_says_what_was_done_and_the_maps_keep_it(tmp_path):
    workspace = Workspace.create(tmp_path / "own", simulated=True)
    (tmp_path / "in").mkdir()
    for path in annual(tmp_path / "in", "files"):
        assert path.exists()
    mapping = tmp_path / "map.yaml"
    mapping.write_text("GPP: {variable: GPP}\n")
    done = CliRunner().invoke(
        main, ["import", "-w", str(workspace.path), str(tmp_path / "in"), "--mapping", str(mapping)]
    )
    assert done.exit_code == 0, done.output
    assert "converted: gpp_annual_2001: GPP was converted from gC m-2 yr-1" in done.stderr
    assert "3 steps, 2001-2003" in done.stdout
    entry = next(iter(catalog.entries_in([workspace.path / "maps"]).values()))
    with catalog.open_maps(entry) as maps:
        assert not tells_months(maps)
        assert "gC m-2 yr-1" in maps.attrs["notes"]
    assert workspace.provenance()[-1]["report"][0]["kind"] == "converted"
    n = edges("standard")
    bad = file(tmp_path / "bad.nc", np.where(n[:-1] > 300, np.nan, n[:-1]))
    refused = CliRunner().invoke(main, ["import", "-w", str(workspace.path), str(bad), "--mapping", str(mapping)])
    assert refused.exit_code == 1
    assert "The time of step 11 of 12 and 1 more is missing" in refused.stderr
