"""The sections below the world map, each run alone on made-up maps."""

import io
import subprocess
import sys

import map_files
import netCDF4
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl import bundled
from tamrl.app.shared import components, files
from tamrl.app.world import adapt, cache, numbers
from tamrl.app.world import cell as world_place
from tamrl.globe import earth as earths
from tamrl.globe.contract import land_area
from tamrl.maps import aggregate, catalog, global_totals, land_sink
from tamrl.maps.layer import Layer
from tamrl.maps.time_means import Period, field
from tamrl.timestep import TimeStep
from tamrl.towers import workspace

FIGURES = {"zonal": 2, "hovmoeller": 1, "totals": 2, "land_sink": 3, "comparison": 0, "place": 2}


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    path = map_files.folder(tmp_path_factory.mktemp("maps"), step=4)
    earth = map_files.earth(step=4)
    earth.to_netcdf(path / "earth.file", engine="netcdf4")
    return path


@pytest.fixture(autouse=True)
def _bundled(folder, monkeypatch):
    """Made-up maps and a made-up Earth in place of the bundled ones."""
    monkeypatch.setattr(catalog, "bundled_maps", lambda: folder)
    monkeypatch.setattr(global_totals, "bundled_maps", lambda: folder)
    monkeypatch.setattr(earths, "earth_path", lambda: folder / "earth.file")


def script(section, key, other, flux, cell, month, year):
    import importlib

    from tamrl.app.shared import components, state
    from tamrl.app.shared.components import Origin
    from tamrl.app.world import cache
    from tamrl.app.world.view import WorldView
    from tamrl.maps import catalog
    from tamrl.maps.time_means import Period

    own = {"comparison": "compare", "totals": "totals", "place": "cell", "land_sink": "land_sink"}
    show = getattr(importlib.import_module(f"tamrl.app.world.{own.get(section, 'summaries')}"), section)
    state.restore()
    entries = catalog.entries(None)
    other = state.get("with", other)
    mine, theirs = entries[key], entries.get(other)
    with components.guarded():
        view = WorldView(
            entry=mine,
            maps=cache.maps(mine),
            other_entry=theirs,
            other=cache.maps(theirs) if theirs else None,
            flux=flux,
            period=Period(month=month, year=year),
            layer="flux",
            mode=state.get("mode", "side" if theirs else "single"),
            cell=cell,
            entries=entries,
            origin=Origin("made-up maps", True),
        )
        show(view)


def run(section, key="first", other=None, flux="GPP", cell=None, month=None, year=None):
    at = AppTest.from_function(script, args=(section, key, other, flux, cell, month, year), default_timeout=60)
    return at.run()


def said(at):
    kinds = (at.markdown, at.caption, at.info, at.warning, at.header, at.subheader)
    return " ".join(element.value for elements in kinds for element in elements)


@pytest.mark.parametrize("section", list(FIGURES))
def test_every_section_of_one_set_of_maps(section):
    at = healthy(run(section, flux="NEE", cell=(10.0, 22.0), month=7))
    assert len(at.get("plotly_chart")) == FIGURES[section]
    if FIGURES[section]:
        assert "Source: " in said(at)
        assert "SIMULATED" in said(at)
        assert len(at.get("download_button")) >= 1


@pytest.mark.parametrize("section", list(FIGURES))
def test_every_section_of_a_model_beside_a_coarser_product_of_ten_years(section):
    at = healthy(run(section, other="third", cell=(10.0, 22.0)))
    expected = {"hovmoeller": 2, "comparison": 2}.get(section, FIGURES[section])
    assert len(at.get("plotly_chart")) == expected
    if section not in ("place", "totals", "land_sink"):
        assert "2001-2010" in said(at), "what is a mean of years says so"


@pytest.mark.parametrize("section", ["zonal", "hovmoeller", "totals"])
def test_a_flux_that_the_maps_lack_is_said(section):
    at = healthy(run(section, key="third", flux="RECO"))
    assert "Third product (SIMULATED) has no RECO" in said(at)


def test_a_flux_that_one_of_two_lacks_is_said():
    assert "Choose a flux that both have" in said(healthy(run("comparison", other="third", flux="RECO")))
    place = healthy(run("place", key="third", flux="RECO", cell=(10.0, 22.0)))
    assert len(place.get("plotly_chart")) == 2, "the others have it"


def test_totals_stand_beside_the_published_ones():
    at = healthy(run("totals"))
    text = said(at)
    assert "FLUXCOM-X-BASE" in text
    assert "GPP is " in text
    assert "NEE is " in text
    published = at.dataframe[0].value
    assert len(published) == 6
    table = at.dataframe[1].value
    maps = map_files.dataset(step=4)
    expected = aggregate.total(field(maps, "GPP", Period()), land_area(maps))
    assert table.loc["All land", "total"] == pytest.approx(expected, rel=1e-4)
    assert f"GPP is {expected:.1f}" in text
    assert table.drop("All land")["total"].sum() == pytest.approx(expected, rel=1e-4)


def test_the_way_to_the_land_sink_ends_at_the_published_one_and_adds_up():
    at = healthy(run("land_sink"))
    text = said(at)
    maps = map_files.dataset(step=4)
    ours = aggregate.total(field(maps, "NEE", Period()), land_area(maps))
    assert "From tower NEE to the land sink" in text
    assert "bias of the towers and of the model" in text
    assert f"{ours:.1f}".replace("-", "\N{MINUS SIGN}") in text
    sources = at.dataframe[0].value
    assert sources["DOI"].str.startswith("https://doi.org/10.").all()
    assert len(sources) == len(land_sink.read_budget().all)


def test_inversions_stand_beside_our_sink_by_region(folder, tmp_path, monkeypatch):
    both = map_files.folder(tmp_path, step=4)
    seen = map_files.dataset(step=4, title="SIMULATED inversion", kind="product", fluxes=("NEE",))
    seen.rename(NEE="NBE").to_netcdf(both / "inversion.nc", encoding={"time": {"units": "days since 2001-01-01"}})
    monkeypatch.setattr(catalog, "bundled_maps", lambda: both)
    text = said(healthy(run("land_sink")))
    assert "NBE, what the atmosphere sees of land" in text
    alone = said(healthy(run("land_sink", key="inversion")))
    assert "has no NEE" in alone


def test_years_have_totals_of_their_own_and_a_spread():
    mean, one = (healthy(run("totals", key="third", flux="NEE", year=year)) for year in (None, 2010))
    assert "standard deviation between years" in said(mean)
    assert "of 2010" in said(one)
    first, last = (at.dataframe[1].value.loc["All land", "total"] for at in (mean, one))
    assert first != last


def test_the_spread_over_members_is_shown_where_it_is_known(folder):
    file = folder / "totals.yaml"
    file.write_text("first: {GPP: {mean: 1, sd: 2.5}}\n")
    try:
        assert "over the members" in said(healthy(run("totals", year=2002)))
    finally:
        file.unlink()


def test_comparison_offers_to_begin():
    at = healthy(run("comparison"))
    assert "Side by side" in said(at)
    next(b for b in at.button if "Second model" in b.label).click()
    healthy(at.run())
    assert at.session_state["tamrl_values"]["with"] == "second"
    assert len(at.get("plotly_chart")) == 2


def test_comparison_counts_the_cells_of_the_coarser_grid():
    at = healthy(run("comparison", other="third"))
    table = at.dataframe[0].value
    # The made-up product is 0.8 times the model, and grows by 2 % of its first year a year.
    row = table.loc["All land"]
    assert row["second"] / row["first"] == pytest.approx(0.8 * 1.09, rel=0.03)
    assert row["bias"] == pytest.approx(row["first"] - row["second"])
    assert table.drop("All land")["cells"].sum() == row["cells"]
    assert "8° by 8°" in said(at)
    at.session_state["tamrl_values"]["by"] = "band"
    bands = healthy(at.run()).dataframe[0].value
    assert "0–30° N" in bands.index
    assert bands.loc["All land", "rmse"] == row["rmse"]


def test_vegetated_land_alone_is_compared_where_it_is_wanted(folder, monkeypatch):
    earth = map_files.earth(step=4)
    names = earth["igbp"].values.tolist()
    earth["igbp_fraction"][:, earth["lat"].values > 30] = 0
    earth["igbp_fraction"][names.index("BSV"), earth["lat"].values > 30] = 1
    monkeypatch.setattr(cache, "earth", lambda: earth)
    entries = catalog.entries(None)
    question = (entries["first"], entries["third"], "GPP", Period(), Period())
    cache._vegetated.clear()
    numbers.common.clear()
    whole, green = (numbers.common(*question, vegetated)[2] for vegetated in (False, True))
    north = whole["lat"] > 32
    assert float(green.where(north).sum()) == 0 < float(whole.where(north).sum())
    np.testing.assert_array_equal(green.where(green["lat"] < 28), whole.where(whole["lat"] < 28))
    asked = Layer(
        entry=question[0], name="GPP", period=Period(), other=entries["third"], other_period=Period(), vegetated=True
    )
    assert cache.answer(asked).where(north).isnull().all()
    cache._vegetated.clear()
    numbers.common.clear()


def test_without_a_cell_the_page_says_how_to_pick_one():
    at = healthy(run("place"))
    assert "Pick a cell" in said(at)
    sea = healthy(run("place", cell=(10.0, -150.0)))
    assert "No land here" in said(sea)
    assert len(sea.get("plotly_chart")) == 0


def test_a_cell_has_its_facts_and_its_cycle_in_every_product():
    at = healthy(run("place", cell=(10.0, 22.0)))
    text = said(at)
    assert "10° N, 22° E" in text
    assert "Af (tropical)" in text
    assert "evergreen broadleaf forest 100 %" in text
    assert all(name in text for name in ("First model", "Second model", "Third product"))
    assert "Dissimilarity index" in text


@pytest.fixture
def climate(folder, tmp_path, monkeypatch):
    """A small monthly model with towers in place of the bundled one, which made the first maps."""
    from tamrl.config import Config, ModelConfig
    from tamrl.model.checkpoint import save_manifest, save_member
    from tamrl.model.inputs import Normaliser
    from tamrl.model.network import TAMRL
    from tamrl.model.prior import CodePrior
    from tamrl.model.training_towers import Reference, save_reference

    path = tmp_path / world_place.MODEL
    path.mkdir()
    config = Config(
        model=ModelConfig(drivers=("TA", "P_MON", "SW_IN_POT"), step=TimeStep.MONTHLY, code=2, embed=6, hidden=6)
    )
    normaliser = Normaliser(*(np.array(x, np.float32) for x in ([10, 2, 250], [12, 2, 100], [4, 3, 2.5])))
    torch.manual_seed(0)
    model = TAMRL(config.model, torch.from_numpy(normaliser.flux_scale)).eval()
    # As after training, what is known of a place modulates what the model makes of it.
    torch.nn.init.normal_(model.modulator.linear.weight)
    save_member(path, 0, model, normaliser, CodePrior(torch.eye(2), torch.ones(3)))
    save_manifest(path, config, [{"index": 0, "training_sites": ["XX-001"], "validation_sites": []}], {})
    rng = np.random.default_rng(0)
    codes = rng.normal(size=(1, 12, 2)).astype("float32")
    reference = Reference(
        sites=tuple(f"XX-{i:03d}" for i in range(12)),
        lat=rng.uniform(-60, 60, 12),
        lon=rng.uniform(-180, 180, 12),
        igbp=("ENF",) * 12,
        koeppen=("Dfb",) * 12,
        codes=codes,
        summaries=rng.normal(size=(12, 6)).astype("float32"),
    )
    save_reference(reference, path)
    for module in (world_place, adapt, bundled):
        monkeypatch.setattr(module, "bundled_models", lambda: {world_place.MODEL: path})
    monkeypatch.setattr(world_place, "MAPS", "first")
    return path


def test_towers_like_the_place(climate):
    at = healthy(run("place", cell=(10.0, 22.0)))
    table = at.dataframe[0].value
    assert len(table) == 8
    assert table["code_distance"].is_monotonic_increasing
    assert table["times_usual"].is_monotonic_increasing
    assert "like this place" in said(at)
    assert "times as far, in the task embedding, as a training tower usually is" in said(at)
    assert "task embeddings" in said(at)


CELL = (8.0, 22.0)
EDITOR = "months_8_22_typed"


def typed(at, **months):
    """Type monthly values into the table, as the browser reports them."""
    rows = {"GPP": 0, "RECO": 1, "NEE": 2}
    edits = {rows[flux]: known for flux, known in months.items()}
    at.session_state[EDITOR] = {"edited_rows": edits, "added_rows": [], "deleted_rows": []}
    return at.run()


def test_the_model_is_adapted_to_the_months_that_are_typed(climate):
    at = healthy(run("place", cell=CELL))
    table = at.data_editor(key=EDITOR).value
    assert table.shape == (3, 12)
    assert table.isna().all().all()
    assert len(at.get("plotly_chart")) == 2, "without values the model is not loaded"
    healthy(typed(at, GPP={"Jun": 9.0, "Jul": 9.0}, RECO={"Jun": 4.0}))
    assert len(at.get("plotly_chart")) == 3
    assert [m.label.split()[0] for m in at.metric] == ["GPP", "RECO", "NEE"]
    assert "Bands: one standard deviation" in said(at)
    first = at.metric[0].value
    at.selectbox(key="months_cover_8_22").set_value("ENF")
    healthy(at.run())
    assert at.metric[0].value != first


def test_nee_alone_is_explained_and_shared_out_only_when_wanted(climate):
    at = healthy(typed(run("place", cell=CELL), NEE={"Jul": -3.0}))
    assert "Jul: NEE alone" in said(at)
    assert len(at.metric) == 0
    at.toggle(key="world_share_nee").set_value(True)
    healthy(at.run())
    assert len(at.metric) == 3
    odd = healthy(typed(run("place", cell=CELL), NEE={"Aug": 4.0}, GPP={"Aug": 5.0}, RECO={"Aug": 3.0}))
    assert "NEE is not RECO" in said(odd)
    wrong = typed(run("place", cell=CELL), GPP={"Sep": 500.0})
    assert not wrong.exception
    assert "GPP of month 9" in wrong.error[0].value


def test_a_file_fills_the_table(climate):
    at = healthy(run("place", cell=CELL))
    content = b"year,month,GPP,RECO\n2001,7,8,4\n2002,7,10,6\n"
    at.file_uploader(key="months_file_8_22").set_value(("mine.csv", content, "text/csv"))
    healthy(at.run())
    table = at.data_editor[0].value
    assert table.loc["GPP", "Jul"] == 9
    assert "up to 2 years" in said(at)
    assert len(at.metric) == 3
    at.file_uploader(key="months_file_8_22").set_value(("bad.csv", b"a,b\n1,2\n", "text/csv"))
    at.run()
    assert "The columns are a, b" in at.error[0].value
    assert "bad.csv" in at.error[0].value


def test_a_tower_of_the_workspace_nearby_fills_the_table(climate, tmp_path, monkeypatch):
    time = pd.date_range("2001-01-01", "2001-12-31")
    data = {
        n: ("time", np.full(len(time), v, "float32")) for n, v in (("GPP", 7), ("RECO", 5), ("NEE", -2), ("NEE_QC", 1))
    }
    tower = xr.Dataset(data, {"time": time, "site": "XX-001"})
    stands = pd.DataFrame({"lat": [8.1, 60.0], "lon": [22.1, 20.0]}, index=["XX-001", "XX-Far"])
    real, made = (workspace.Workspace.create(tmp_path / n, simulated=n == "made") for n in ("real", "made"))
    monkeypatch.setattr(adapt.cache, "tower", lambda where, site: tower)
    monkeypatch.setattr(numbers, "workspace_towers", lambda: (real, stands))
    at = healthy(run("place", cell=CELL))
    box = at.selectbox(key="months_tower_8_22")
    assert box.options == ["XX-001, 16 km away"]
    box.set_value("XX-001")
    healthy(at.run())
    assert (at.data_editor[0].value.loc["GPP"] == 7).all()
    assert "was trained on XX-001" in said(at)
    assert len(at.metric) == 3
    monkeypatch.setattr(numbers, "workspace_towers", lambda: (made, stands))
    simulated = healthy(run("place", cell=CELL))
    assert "months_tower_8_22" not in [box.key for box in simulated.selectbox]


def test_large_products_are_added_up_only_when_wanted(monkeypatch):
    monkeypatch.setattr(numbers, "_LIGHT", 100_000)
    numbers.annual.clear()
    at = healthy(run("totals", key="third", other="first"))
    assert "between years" not in said(at)
    assert len(at.get("plotly_chart")) == 2
    mean = at.dataframe[1].value.loc["All land", "total"]
    at.toggle(key="world_every_year").set_value(True)
    healthy(at.run())
    assert "between years" in said(at)
    assert at.dataframe[1].value.loc["All land", "total"] == pytest.approx(mean, rel=1e-3)


def test_the_sections_load_no_model_and_no_heavy_library():
    heavy = {"torch", "dask", "geopandas", "sklearn", "xgboost", "matplotlib"}
    code = (
        "import sys; from tamrl.app.shared import components; "
        "from tamrl.app.world import adapt, cell, compare, summaries; "
        f"sys.exit(', '.join({heavy!r} & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr[-500:]


@pytest.mark.parametrize("section", list(FIGURES))
def test_every_download_reads_back(section, monkeypatch, climate):
    made = {}

    def footer(name, origin, frame=None, dataset=None):
        made[name] = [files.csv(frame(), origin) if frame else b""]
        made[name].append(files.netcdf(dataset(), origin) if dataset else b"")

    monkeypatch.setattr(components, "footer", footer)
    healthy(typed(run(section, other="third", cell=CELL), GPP={"Jun": 9.0}))
    assert made
    for name, (csv, netcdf) in made.items():
        table = pd.read_csv(io.BytesIO(csv), comment="#")
        assert len(table) > 1, name
        assert table.select_dtypes("number").notna().any().all() or section == "place", name
        if netcdf:
            with netCDF4.Dataset("memory", memory=netcdf) as opened:
                assert opened.simulated == 1, name


def test_how_many_towers_the_monthly_model_learnt_from_is_explained_beside_those_of_the_scorecard(monkeypatch):
    from types import SimpleNamespace

    from tamrl.app.world import cache, numbers

    scored = pd.DataFrame({"lat": [1.0, 2.0, 3.0]}, index=pd.Index(["AA-One", "BB-Two", "CC-Few"], name="site"))
    monkeypatch.setattr(cache, "scored_towers", lambda: scored)
    said = numbers.trained_on(SimpleNamespace(sites=("AA-One", "BB-Two")))
    assert "2 of the 3 towers that the Scorecard" in said
    assert "CC-Few have fewer than 6 months" in said
    assert numbers.trained_on(SimpleNamespace(sites=tuple(scored.index))).endswith("learnt from 3 towers.")
    assert numbers.trained_on(SimpleNamespace(sites=("XS-1",))).endswith("learnt from 1 tower.")
