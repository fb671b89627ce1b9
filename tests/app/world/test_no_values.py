"""World with maps of which one flux, or one month, has no value anywhere: no tab fails or takes it for zero."""

import re

import map_files
import numpy as np
import pytest
import xarray as xr
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.app.world.tabs import TABS
from tamrl.maps import catalog

pytestmark = pytest.mark.slow


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    """Two sets of maps; of the first GPP has no value, and January none of any flux."""
    folder = map_files.folder(tmp_path_factory.mktemp("world") / "maps", step=10.0)
    file = folder / "first.nc"
    with xr.open_dataset(file) as opened:
        ds = opened.load()
    ds["GPP"] = ds["GPP"] * np.float32(np.nan)
    january = ds["time"].dt.month == 1
    for flux in ("RECO", "NEE"):
        ds[flux] = ds[flux].where(~january).assign_attrs(ds[flux].attrs)
    ds["GPP"].attrs = opened["GPP"].attrs
    ds.to_netcdf(file)
    return folder


@pytest.mark.parametrize("tab", list(TABS))
@pytest.mark.parametrize("asked", [{"flux": "GPP"}, {"flux": "NEE", "month": "1"}, {"flux": "GPP", "with": "second"}])
def test_a_tab_does_not_take_what_is_missing_for_zero(small_workspace, maps, monkeypatch, tab, asked):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))
    monkeypatch.setattr(catalog, "bundled_maps", lambda: maps)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/world.py")
    at.query_params.update({"map": "first", "section": tab, "lat": "11", "lon": "21", **asked})
    at = healthy(at.run())
    at = healthy(at.run())
    words = " ".join(part.value for kind in ("markdown", "caption", "info") for part in at.get(kind))
    assert "nan" not in re.findall(r"[a-z]+", words.lower())
    if asked["flux"] == "NEE":
        assert {"Zonal mean": "no value anywhere", "Comparison": "no value anywhere"}.get(tab, "") in words
    if tab in ("Totals", "Land sink"):
        whose = "NEE" if tab == "Land sink" else "RECO, NEE"
        assert f"has no {whose} in Jan. Totals are those of the other months, taken for the whole year." in words
    if asked["flux"] == "GPP":
        assert "0.0 PgC" not in words, "what is not known is no total of zero"
        said = {"Totals": "has no GPP", "Hovmöller": "has no GPP", "Zonal mean": "has no GPP", "Comparison": "no value"}
        assert said.get(tab, "") in words
        if tab == "Hovmöller" and "with" not in asked:
            assert not at.get("plotly_chart")
