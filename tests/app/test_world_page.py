"""The World page, run as a user runs it: through the router, without a browser."""

import json
import subprocess
import sys
from contextlib import contextmanager

import map_files
import pytest
import yaml
from page_checks import healthy
from small_workspace import ROOT
from streamlit.testing.v1 import AppTest

from tamrl.maps import catalog
from tamrl.towers.workspace import Workspace

pytestmark = pytest.mark.slow

_DAYS = {"time": {"units": "days since 2001-01-01"}}


@pytest.fixture(scope="module")
def maps(tmp_path_factory):
    return map_files.folder(tmp_path_factory.mktemp("world") / "maps", step=10.0)


@pytest.fixture
def open_page(small_workspace, maps, monkeypatch):
    """A function that runs the page with choices in its address; the second run draws the tabs too."""
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))
    monkeypatch.setattr(catalog, "bundled_maps", lambda: maps)

    def run(**choices):
        at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/world.py")
        at.query_params.update({name: str(value) for name, value in choices.items()})
        at.run()
        assert not at.exception
        return at

    return run


def shown(at):
    """What the map was given."""
    found = [part for part in at.get("bidi_component") if part.key == "world_map"]
    assert len(found) == 1
    return json.loads(found[0].proto.json)


def test_the_world_is_the_first_page_and_shows_a_map_with_its_source(open_page):
    at = healthy(open_page())
    assert at.title[0].value == "World"
    data = shown(at)
    assert [panel["name"] for panel in data["panels"]] == ["First model (SIMULATED) · Whole year, mean of 2001-2010"]
    assert data["panels"][0]["image"].startswith("data:image/png;base64,")
    assert data["panels"][0]["bounds"] == [-180, -90, 180, 90]
    assert data["unit"] == "gC m⁻² d⁻¹"
    assert len(data["towers"]) > 100
    assert data["alt"].startswith("World map of Gross primary productivity")
    assert any("Source: " in c.value and "SIMULATED" in c.value for c in at.caption)
    assert any("SIMULATED" in m.value for m in at.main.markdown)
    assert len(json.dumps(data)) < 300_000


def test_a_deep_link_restores_what_was_seen(open_page):
    choices = {
        "map": "second",
        "with": "first",
        "mode": "side",
        "flux": "NEE",
        "layer": "flux",
        "month": 7,
        "lat": 12.5,
        "lon": 11,
        "mask": 1,
        "range": "-3,3",
        "section": "Zonal mean",
    }
    at = healthy(open_page(**choices))
    data = shown(at)
    assert [p["name"].split(" · ")[1] for p in data["panels"]] == ["July, mean of 2001-2010"] * 2
    assert (data["low"], data["high"]) == (-3, 3)
    assert data["cell"] == [15, 15, 10, 10]
    assert all(panel["mask"] for panel in data["panels"])
    assert {name: at.query_params[name] for name in choices} == {name: str(value) for name, value in choices.items()}


def test_the_page_tells_who_made_the_maps_and_that_one_citation_is_of_both(open_page):
    at = healthy(open_page(mode="side", **{"with": "third"}))
    told = [m.value for m in at.markdown if "Licence" in m.value]
    assert [text.splitlines()[0] for text in told] == ["**First model (SIMULATED)**", "**Third product (SIMULATED)**"]
    assert all("CC0-1.0" in text and "2001-2010" in text for text in told)
    source = next(c.value for c in at.caption if "Source: " in c.value)
    assert source.endswith(
        "First model (SIMULATED) (2001-2010); compared with Third product (SIMULATED) (2001-2010); both: none"
    )


def test_the_layer_of_spreads_says_what_they_are(open_page):
    one = [c.value for c in open_page(layer="spread").caption]
    assert "Uncertainty: standard deviation of the estimate, as its makers give it." in one
    two = [c.value for c in open_page(layer="spread", mode="side", **{"with": "second"}).caption]
    assert any("not the same thing" in text for text in two)


def test_a_season_without_all_its_months_is_not_offered(open_page):
    at = healthy(open_page(map="third", season="DJF", year=2001))
    assert "each month of DJF 2001" in at.info[0].value
    assert "year" not in at.query_params
    assert at.selectbox(key="world_year").options == ["Multi-year mean", *map(str, range(2002, 2011))]
    assert "DJF, mean of" in shown(at)["panels"][0]["name"]


def test_a_year_that_lacks_months_is_drawn_and_says_so(open_page, small_workspace):
    path = small_workspace[0].path / "maps" / "part.nc"
    path.parent.mkdir(exist_ok=True)
    map_files.dataset(10.0, years=2, kind="product", title="Part").isel(time=slice(6, 20)).to_netcdf(
        path, encoding=_DAYS
    )
    try:
        whole = healthy(open_page(map="part", year=2002))
        assert any("Part lacks September, October, November, December of 2002" in c.value for c in whole.caption)
        month = healthy(open_page(map="part", year=2002, month=8))
        assert "August 2002" in shown(month)["panels"][0]["name"]
        summer = healthy(open_page(map="part", season="JJA", year=2001))
        assert "each month of JJA 2001" in summer.info[0].value
        assert summer.selectbox(key="world_year").options == ["Multi-year mean", "2002"]
    finally:
        path.unlink()


def test_a_place_outside_a_regional_map_is_said(open_page, small_workspace):
    path = small_workspace[0].path / "maps" / "region.nc"
    path.parent.mkdir(exist_ok=True)
    map_files.dataset(10.0, title="Region").sel(lat=slice(30, 70), lon=slice(-20, 60)).to_netcdf(path, encoding=_DAYS)
    try:
        at = open_page(map="region", lat=-12, lon=33)
        assert "12.00° S, 33.00° E lies outside these maps: Region" in at.info[0].value
        assert shown(at)["cell"] == [-12, 33, 10, 10]
        assert not any("is over ocean" in i.value for i in at.info)
        both = open_page(map="first", mode="side", lat=-12, lon=33, **{"with": "region"})
        assert "outside these maps: Region" in both.info[0].value
        assert any("First model (SIMULATED): **" in m.value for m in both.markdown)
    finally:
        path.unlink()


@pytest.mark.parametrize(("layer", "title"), [("spread", "standard deviation"), ("extrapolation", "Dissimilarity")])
def test_layers_are_drawn_with_their_own_scale(open_page, layer, title):
    data = shown(healthy(open_page(layer=layer)))
    assert title in data["alt"]
    assert data["low"] < data["high"]
    # The extrapolation index does not change with time.
    assert ("mean of" in data["panels"][0]["name"]) == (layer == "spread")


def test_net_exchange_and_differences_are_centred_on_zero(open_page):
    for choices in ({"flux": "NEE"}, {"mode": "difference", "with": "second"}):
        data = shown(healthy(open_page(**choices)))
        assert data["low"] == -data["high"]
        assert len(data["panels"]) == 1
    assert "First model (SIMULATED) − Second model (SIMULATED)" in data["panels"][0]["name"]


def test_uncertainties_that_may_be_of_different_kinds_are_not_subtracted(open_page):
    at = healthy(open_page(mode="difference", layer="spread", month=7, **{"with": "second"}))
    assert not [part for part in at.get("bidi_component") if part.key == "world_map"]
    assert any("not known to be the same quantity" in str(box.value) for box in (*at.info, *at.warning))
    assert not at.select_slider, "no month can be chosen of what is not shown"


def test_where_a_month_has_no_uncertainty_another_can_be_chosen(open_page, monkeypatch):
    from tamrl.app.world import map as world_map

    monkeypatch.setattr(world_map, "_without_values", lambda view: "First model has no value anywhere")
    at = healthy(open_page(layer="spread", month=7))
    assert any("no value anywhere" in str(box.value) for box in at.info)
    assert at.select_slider


def test_what_the_address_asks_for_in_vain_is_told(open_page):
    at = healthy(open_page(month="13", flux="CO2"))
    assert [toast.value for toast in at.toast] == [
        "Of this address not known here, and left out: month '13', flux 'CO2'."
    ]


def test_a_difference_is_taken_on_the_coarser_grid_and_says_the_years(open_page):
    at = healthy(open_page(mode="difference", **{"with": "third"}, month=1))
    assert shown(at)["panels"][0]["bounds"] == [-180, -90, 180, 90]


def test_flux_time_and_mode_are_chosen_with_the_controls(open_page):
    at = open_page()
    at.segmented_control(key="choose_flux").set_value("RECO").run()
    at.segmented_control(key="world_grain").set_value("month").run()
    at.select_slider(key="world_month").set_value(3).run()
    healthy(at)
    assert "March" in shown(at)["panels"][0]["name"]
    assert at.query_params["flux"] == "RECO"
    assert at.query_params["month"] == "3"
    at.segmented_control(key="world_grain").set_value("season").run()
    assert "JJA" in shown(at)["panels"][0]["name"]
    assert "month" not in at.query_params
    at.segmented_control(key="choose_mode").set_value("side").run()
    assert len(shown(healthy(at))["panels"]) == 2
    at.selectbox(key="choose_with").set_value("third").run()
    assert "has no RECO" in at.info[0].value


def test_months_share_one_range_and_another_flux_forgets_a_range_by_hand(open_page):
    at = open_page(month=1)
    first = shown(at)
    at.select_slider(key="world_month").set_value(7).run()
    assert (shown(at)["low"], shown(at)["high"]) == (first["low"], first["high"])
    at.segmented_control(key="world_by_hand").set_value(True).run()
    at.number_input(key="world_high").set_value(4.0).run()
    assert shown(healthy(at))["high"] == 4
    assert at.query_params["range"].endswith(",4")
    at.select_slider(key="world_month").set_value(8).run()
    assert shown(at)["high"] == 4
    at.segmented_control(key="choose_flux").set_value("NEE").run()
    assert shown(healthy(at))["high"] != 4
    assert "range" not in at.query_params


def test_years_of_a_product_are_chosen_and_forgotten_where_the_other_has_none(open_page):
    at = healthy(open_page(map="third", year=2004, month=5))
    assert shown(at)["panels"][0]["name"].endswith("· May 2004")
    at.selectbox(key="world_year").set_value("all").run()
    assert "May, mean of 2001-2010" in shown(healthy(at))["panels"][0]["name"]
    at.selectbox(key="world_year").set_value(2002).run()
    at.segmented_control(key="choose_mode").set_value("side").run()
    healthy(at)
    assert "year" not in at.query_params
    assert all("mean of" in panel["name"] for panel in shown(at)["panels"])


def test_play_turns_the_months_and_pausing_keeps_the_month(open_page, monkeypatch):
    from tamrl.app.world import map as world_stage

    at = open_page(month=12)
    at.button(key="world_play").click().run()
    assert at.button(key="world_play").label == "Pause"
    monkeypatch.setattr(world_stage, "FRAME_S", 0.0)  # the next run is due
    at.run()
    assert "January" in shown(healthy(at))["panels"][0]["name"]
    at.run()
    assert "February" in shown(at)["panels"][0]["name"]
    at.button(key="world_play").click().run()
    at.run()
    at.run()
    assert "February" in shown(healthy(at))["panels"][0]["name"]
    assert at.query_params["month"] == "2"
    assert at.button(key="world_play").label == "Play"


def test_the_speed_of_play_is_chosen_and_kept(open_page):
    from tamrl.app.world import map as world_stage

    at = open_page()
    assert not [box for box in at.selectbox if box.key == "world_speed"]
    at = healthy(open_page(month=3, speed="slow"))
    assert world_stage.SPEEDS[at.selectbox(key="world_speed").value] == 2.0
    at.selectbox(key="world_speed").set_value("fast").run()
    assert at.query_params["speed"] == "fast"
    assert at.session_state["tamrl_values"]["speed"] == "fast"
    at.selectbox(key="world_speed").set_value("normal").run()
    assert "speed" not in at.query_params
    assert healthy(open_page(month=3, speed="warp")).selectbox(key="world_speed").value == "normal"


def test_a_palette_colours_map_and_diagram_and_not_differences(open_page):
    from tamrl.figures.colours import CIVIDIS

    at = healthy(open_page(flux="GPP"))
    own = shown(at)["palette"]
    at.selectbox(key="choose_palette").set_value("safe").run()
    ends = shown(healthy(at))["palette"]
    assert ends != own
    assert ["#" + ends[0], "#" + ends[-1]] == [CIVIDIS[-1], CIVIDIS[0]]
    assert at.query_params["palette"] == "safe"
    assert not [box for box in open_page(mode="difference", palette="safe").selectbox if box.key == "choose_palette"]
    assert shown(healthy(open_page(flux="GPP", palette="no such")))["palette"] == own


def test_a_cell_is_picked_by_place_and_by_coordinates(open_page):
    at = open_page()
    box = at.selectbox(key="world_place")
    tower = next(option for option in box.options if option.startswith("DE-Tha"))
    box.set_value(tower).run()
    assert shown(healthy(at))["cell"] == [55, 15, 10, 10]
    assert any("55.00° N, 15.00° E" in m.value for m in at.markdown)
    at.number_input(key="world_lat").set_value(-12.0)
    at.number_input(key="world_lon").set_value(33.0)
    next(b for b in at.button if b.label == "Pick this cell").click().run()
    assert shown(healthy(at))["cell"][:2] == [-15, 35]
    assert at.query_params["lat"] == "-12"
    next(b for b in at.button if b.label == "Clear selection").click().run()
    assert shown(healthy(at))["cell"] is None
    assert "lat" not in at.query_params


def test_the_view_in_the_address_is_given_to_the_map(open_page):
    at = healthy(open_page(view="48.5,-12.25,3.4"))
    assert shown(at)["at"] == "48.5,-12.25,3.4"
    assert at.query_params["view"] == "48.5,-12.25,3.4"
    assert shown(healthy(open_page()))["at"] is None
    assert "view" not in healthy(open_page(view="13,0,1")).query_params
    assert shown(healthy(open_page(view="99,0,1")))["at"] is None


def test_a_month_and_a_season_in_one_address_are_the_month(open_page):
    at = healthy(open_page(month=5, season="JJA"))
    assert "May" in shown(at)["panels"][0]["name"]
    assert "season" not in at.query_params


def test_maps_that_are_compared_say_who_is_higher_and_leave_out_bare_land(open_page):
    at = healthy(open_page(mode="difference", flux="GPP", **{"with": "second"}))
    bar = next(h.proto.body for h in at.get("html") if "colours from" in h.proto.body)
    assert "First model (SIMULATED) lower" in bar
    assert at.toggle(key="choose_veg").value is True
    assert any("without vegetation" in h.proto.body for h in at.get("html"))
    at.toggle(key="choose_veg").set_value(False).run()
    assert at.query_params["veg"] == "0"
    assert not any("without vegetation" in h.proto.body for h in at.get("html"))
    bar = next(h.proto.body for h in open_page(flux="NEE").get("html") if "colours from" in h.proto.body)
    assert "uptake" in bar


def test_the_map_is_told_in_words(open_page):
    alt = shown(healthy(open_page()))["alt"]
    assert "highest" in alt
    assert "under the cross" in alt


def test_the_badge_of_simulated_towers_stands_beside_towers_and_not_beside_maps(open_page):
    at = open_page()
    badge = [m for m in at.sidebar.markdown if "SIMULATED" in m.value]
    assert badge == []
    at.switch_page("pages/towers.py").run()
    assert any("SIMULATED" in m.value for m in at.sidebar.markdown)


def test_a_range_by_hand_begins_with_few_digits(open_page):
    at = open_page()
    at.segmented_control(key="world_by_hand").set_value(True).run()
    for key in ("world_low", "world_high"):
        assert len(repr(at.number_input(key=key).value)) <= 6


def test_a_cell_at_sea_is_said(open_page):
    at = open_page(lat=0, lon=-150)
    assert "is over ocean" in at.info[0].value
    assert shown(at)["cell"] == [5, -145, 10, 10] or shown(at)["cell"][2:] == [10, 10]


def test_a_flux_that_maps_lack_is_said_and_another_can_be_chosen(open_page):
    at = open_page(map="third", flux="RECO")
    assert "has no RECO. It has GPP, NEE" in at.info[0].value
    at.segmented_control(key="choose_flux").set_value("GPP").run()
    assert shown(healthy(at))
    at.segmented_control(key="choose_layer").set_value("spread").run()
    assert "provides no uncertainty" in at.info[0].value


def test_what_an_address_names_wrongly_is_told_and_passed_over(open_page):
    wrong = {"month": 13, "lat": "north", "range": "5,1", "season": "XYZ", "layer": "?", "mode": "?", "year": 1}
    at = healthy(open_page(map="nowhere", **wrong))
    assert "nowhere" in at.warning[0].value
    assert shown(at)["panels"][0]["name"].startswith("First model")
    assert dict(at.query_params) == {}


def test_a_damaged_map_is_an_error_in_three_parts_and_another_can_be_chosen(maps, tmp_path, monkeypatch):
    workspace = Workspace.create(tmp_path / "own")
    (workspace.path / "maps").mkdir()
    (workspace.path / "maps" / "broken.nc").write_bytes(b"not NetCDF")
    monkeypatch.setenv("TAMRL_WORKSPACE", str(workspace.path))
    monkeypatch.setattr(catalog, "bundled_maps", lambda: maps)
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/world.py")
    at.query_params["map"] = "broken"
    at.run()
    assert not at.exception
    assert "cannot be read" in at.error[0].value
    assert "What to do:" in at.error[0].value
    at.selectbox(key="choose_map").set_value("second").run()
    assert shown(healthy(at))["panels"][0]["name"].startswith("Second model")


def test_without_maps_the_page_says_what_to_do(small_workspace, tmp_path, monkeypatch):
    monkeypatch.setenv("TAMRL_WORKSPACE", str(small_workspace[0].path))
    monkeypatch.setattr(catalog, "bundled_maps", lambda: tmp_path / "nothing")
    at = AppTest.from_file(str(ROOT / "app.py"), default_timeout=90).switch_page("pages/world.py").run()
    assert not at.exception
    assert "There are no maps" in at.error[0].value
    assert "upscale" in at.error[0].value


@pytest.fixture
def import_form(tmp_path, maps, monkeypatch):
    """What the dialog shows, and the workspace that it imports into; AppTest does not see into dialogs."""
    workspace = Workspace.create(tmp_path / "own", simulated=True)
    monkeypatch.setattr(catalog, "bundled_maps", lambda: maps)

    def script(path):
        import streamlit as st

        from tamrl.app.shared import state
        from tamrl.app.world import frame, import_form, imported, session
        from tamrl.towers.workspace import Workspace

        state.restore()
        workspace = Workspace.open(path) if path else None
        import_form.form(workspace)
        entries = session.catalogue(workspace)
        imported.remarks(frame.asked(entries))
        st.text(" ".join(session.catalogue(workspace)))
        state.publish()

    return lambda path=workspace.path: AppTest.from_function(script, args=(path,), default_timeout=60).run(), workspace


def test_a_product_is_imported_by_path_and_chosen(import_form, tmp_path):
    run, workspace = import_form
    source = map_files.write(tmp_path / "x.nc", step=10.0, title="Imported one", kind="product", years=1)
    at = run()
    assert str(workspace.path / "maps") in at.caption[0].value
    at.text_input(key="world_import_path").set_value(str(source)).run()
    at.button(key="world_import_go").click().run()
    healthy(at)
    assert at.query_params["map"] == "imported-one"
    assert (workspace.path / "maps" / "imported-one.zarr" / "zarr.json").is_file()


def test_notes_of_the_import_are_shown_until_they_are_closed(import_form, tmp_path, monkeypatch):
    from tamrl.maps import imports

    run, _ = import_form
    opened = imports.open_product

    @contextmanager
    def noted(*args):
        with opened(*args) as maps:
            yield maps.assign_attrs(notes="NEE is turned: it was positive for uptake.")

    monkeypatch.setattr(imports, "open_product", noted)
    source = map_files.write(tmp_path / "x.nc", step=10.0, title="Imported one", kind="product", years=1)
    at = run()
    at.text_input(key="world_import_path").set_value(str(source)).run()
    at.button(key="world_import_go").click().run()
    assert "Imported one is imported. NEE is turned" in healthy(at).info[0].value
    at.button(key="world_import_read").click().run()
    assert not healthy(at).info


def test_the_example_of_a_mapping_takes_no_net_biome_production_for_nee():
    from tamrl.app.world import import_form

    example = yaml.safe_load(import_form._MAPPING)
    assert example["NEE"]["variable"] == "nep"
    assert example["NEE"]["sign"] == -1


def test_without_a_workspace_to_write_to_an_import_is_kept_for_the_session(import_form, tmp_path):
    run, _ = import_form
    source = map_files.write(tmp_path / "x.nc", step=10.0, title="Imported one", kind="product", years=1)
    at = run(None)
    assert "for this session only" in at.caption[0].value
    at.text_input(key="world_import_path").set_value(str(source)).run()
    at.button(key="world_import_go").click().run()
    assert healthy(at).text[0].value == "first second third imported-one"


@pytest.mark.parametrize("mapping", [None, "GPP: {variable: [", "just text", "XYZ: {variable: a}"])
def test_an_import_that_fails_says_why(import_form, tmp_path, mapping):
    run, workspace = import_form
    at = run()
    at.text_input(key="world_import_path").set_value(str(tmp_path / "x.nc"))
    if mapping is None:
        (tmp_path / "x.nc").write_bytes(b"no NetCDF")
    else:
        map_files.write(tmp_path / "x.nc", step=10.0)
        at.selectbox(key="world_import_kind").set_value("cf").run()
        at.text_area(key="world_import_mapping").set_value(mapping)
    at.run()
    at.button(key="world_import_go").click().run()
    assert not at.exception
    assert "What to do:" in at.error[0].value
    assert not list((workspace.path / "maps").glob("*.zarr"))
    assert "map" not in at.query_params


@pytest.mark.parametrize(
    "section", ["Place", "Totals", "Land sink", "Comparison", "Zonal mean", "Hovmöller", "At towers"]
)
def test_every_tab_opens(open_page, section):
    at = open_page(section=section, lat=15, lon=15, mode="side", **{"with": "second"})
    healthy(at.run())
    assert at.query_params["section"] == section


def test_the_world_page_does_not_load_what_it_need_not_wait_for(maps):
    code = (
        "import sys; from pathlib import Path; from tamrl.maps import catalog; "
        f"catalog.bundled_maps = lambda: Path({str(maps)!r}); from streamlit.testing.v1 import AppTest; "
        f"at = AppTest.from_file({str(ROOT / 'app.py')!r}, default_timeout=90); "
        "at.switch_page('pages/world.py').run(); "
        "assert at.title[0].value == 'World' and not at.exception and not at.error, at.error; "
        "heavy = {'torch', 'sklearn', 'geopandas', 'distributed', 'matplotlib', 'pvlib'}; "
        "sys.exit(', '.join(heavy & set(sys.modules)) or 0)"
    )
    done = subprocess.run([sys.executable, "-c", code], cwd=ROOT, check=False, capture_output=True, text=True)
    assert done.returncode == 0, done.stderr[-500:]


def test_maps_of_years_offer_years_alone(open_page, maps):
    annual = map_files.dataset(10.0, title="Annual", kind="product", years=3).isel(time=slice(None, None, 12))
    path = maps / "annual.nc"
    annual.assign_attrs(frequency="1YS").to_netcdf(path, encoding=_DAYS)
    try:
        at = healthy(open_page(map="annual", month=1, section="Totals"))
        assert shown(at)["panels"][0]["name"] == "Annual · Whole year, mean of 2001-2003"
        assert "month" not in at.query_params
        assert [c for c in at.get("button_group") if "world_grain" in str(c)] == []
        assert not any(b.key == "world_play" for b in at.button)
        at = healthy(open_page(map="annual", year=2002, section="Hovmöller").run())
        assert shown(at)["panels"][0]["name"] == "Annual · Year 2002"
        assert any("its steps are years" in i.value for i in at.info)
        healthy(open_page(map="annual", section="Place", lat=45, lon=15).run())
    finally:
        path.unlink()
