"""What is seen on the World page as data: the whole Earth, or the cells of a box."""

import map_files
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tamrl.app.shared.components import Origin
from tamrl.app.world import cache
from tamrl.app.world.export import EARTH, dataset, picture, seen, table
from tamrl.app.world.view import WorldView
from tamrl.figures.world.map import Scale, colours_of
from tamrl.figures.world.print import Signs
from tamrl.maps import catalog
from tamrl.maps.layer import Layer
from tamrl.maps.time_means import Period


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    entries = catalog.entries_in([map_files.folder(tmp_path_factory.mktemp("export") / "maps", step=10.0)])
    entry = next(iter(entries.values()))
    maps = cache.maps(entry)
    view = WorldView(
        entry=entry,
        maps=maps,
        other_entry=None,
        other=None,
        flux="GPP",
        period=Period(month=7),
        layer="flux",
        mode="single",
        cell=None,
        entries=entries,
        origin=Origin("made", True),
    )
    return view, (Layer(entry=entry, name="GPP", period=Period(month=7)),)


def test_the_whole_earth_is_what_the_map_shows(asked):
    view, questions = asked
    ds = dataset(view, questions)
    np.testing.assert_array_equal(ds["GPP"], view.maps["GPP"].isel(time=6))
    assert ds["GPP"].attrs["units"] == "gC m-2 d-1"
    assert {"lat_bnds", "lon_bnds"} <= set(ds.variables)


def test_a_box_keeps_the_cells_whose_centre_lies_in_it_and_their_bounds(asked):
    view, questions = asked
    ds = dataset(view, questions, (-30.0, 10.0, 40.0, 20.0))
    assert ds["lat"].values.tolist() == [15.0]
    assert ds["lon"].values.tolist() == [-25.0, -15.0, -5.0, 5.0, 15.0, 25.0, 35.0]
    assert ds["lat_bnds"].values.tolist() == [[10.0, 20.0]], "one row is as high as it was"
    rows = table(view, questions, (-30.0, 10.0, 40.0, 20.0)).reset_index()
    assert set(rows["lat"]) == {15.0}
    assert len(rows) == int(ds["GPP"].notnull().sum())
    assert len(table(view, questions, EARTH)) == int(dataset(view, questions)["GPP"].notnull().sum())


def _page(folder):
    from pathlib import Path

    from tamrl.app.shared.components import Origin
    from tamrl.app.world import cache, export
    from tamrl.app.world.view import WorldView
    from tamrl.figures.world.map import Scale
    from tamrl.maps import catalog
    from tamrl.maps.layer import Layer
    from tamrl.maps.time_means import Period

    entries = catalog.entries_in([Path(folder)])
    entry = next(iter(entries.values()))
    maps = cache.maps(entry)
    view = WorldView(
        entry=entry,
        maps=maps,
        other_entry=None,
        other=None,
        flux="GPP",
        period=Period(),
        layer="flux",
        mode="single",
        cell=None,
        entries=entries,
        origin=Origin("made", True),
    )
    export.popover(
        view,
        (Layer(entry=entry, name="GPP", period=Period()),),
        Scale(colours=("#ffffff", "#000000"), low=0.0, high=10.0, label="GPP", unit="gC m-2 d-1"),
    )


def test_an_empty_box_is_said_and_offers_no_file(asked):
    at = AppTest.from_function(_page, args=(str(asked[0].entry.path.parent),), default_timeout=60).run()
    assert not at.exception
    assert len(at.get("download_button")) == 6
    at.number_input(key="world_box_west").set_value(50.0)
    at.number_input(key="world_box_east").set_value(40.0).run()
    assert "No cell lies in this box" in at.warning[0].value
    assert not at.get("download_button")


SCALE = Scale(colours=colours_of("GPP")[0], low=0.0, high=10.0, label="Gross primary productivity", unit="gC m-2 d-1")


def test_a_picture_has_the_mask_the_box_and_the_signs_that_it_is_given(asked):
    """Nothing of the session is at hand when a download is made: what is drawn comes as arguments."""
    view, questions = asked
    masked = picture(view, questions, SCALE, True, kind="svg").decode()
    assert "Hatched: outside the area of applicability" in masked
    assert "SIMULATED" in masked
    assert "Source: SIMULATED data · made" in masked
    assert "July, mean of 2001-2010" in masked
    bare = picture(view, questions, SCALE, kind="svg").decode()
    assert "Hatched" not in bare
    cell = picture(view, questions, SCALE, False, EARTH, Signs((15.0, 15.0, 10.0, 10.0)), "svg").decode()
    assert "picked cell" in cell
    sahel, earth = (picture(view, questions, SCALE, box=box) for box in ((-10.0, 0.0, 20.0, 20.0), EARTH))
    assert sahel != earth


def test_a_picture_has_a_light_ground_in_both_themes(asked):
    view, questions = asked
    dark = Scale(colours=colours_of("GPP", theme="dark")[0], low=0.0, high=10.0, label=SCALE.label, unit=SCALE.unit)
    assert picture(view, questions, dark) == picture(view, questions, SCALE)
    chosen = Scale(colours=SCALE.colours, low=0.0, high=10.0, label=SCALE.label, unit=SCALE.unit, palette="safe")
    assert picture(view, questions, chosen) != picture(view, questions, SCALE)


def test_what_the_map_shows_is_a_box():
    assert seen(None, 1) == EARTH
    assert seen((50.0, 10.0, 4.0), 1) == (-35.0, 32.0, 55.0, 68.0)
    west, south, east, north = seen((0.0, 170.0, 3.0), 2)
    assert (west, east) == (110.0, 230.0)
    assert (south, north) == (-28.0, 28.0)
    assert seen((0.0, -170.0, 3.0), 1)[::2] == (130.0, 250.0)
    assert seen((85.0, 0.0, 2.0), 1)[3] == 90.0


def test_a_box_across_the_date_line_is_one_piece(asked):
    view, questions = asked
    ds = dataset(view, questions, (160.0, -30.0, 300.0, 30.0))
    assert ds["lon"].values.tolist() == [165.0, 175.0, *np.arange(185.0, 300.0, 10.0)]
    assert ds["lon_bnds"].values[[0, 2, -1]].tolist() == [[160, 170], [180, 190], [290, 300]]
    plain = dataset(view, questions, (-80.0, -30.0, -60.0, 30.0))
    np.testing.assert_array_equal(ds["GPP"].sel(lon=[285.0, 295.0]), plain["GPP"].sel(lon=[-75.0, -65.0]))


def test_the_box_begins_as_the_part_that_the_map_shows(asked):
    at = AppTest.from_function(_page, args=(str(asked[0].entry.path.parent),), default_timeout=60)
    at.session_state["tamrl_values"] = {"view": (50.0, 10.0, 4.0)}
    at.run()
    edges = ("west", "south", "east", "north")
    assert [at.number_input(key=f"world_box_{edge}").value for edge in edges] == [-35, 32, 55, 68]
    at.number_input(key="world_box_west").set_value(-20.0).run()
    assert at.number_input(key="world_box_west").value == -20, "what is typed stays until the map is moved"
    at.button(key="world_box_whole").click().run()
    assert [at.number_input(key=f"world_box_{edge}").value for edge in edges] == list(EARTH)
    at.session_state["tamrl_values"] = {"view": (0.0, 0.0, 2.0)}
    at.run()
    assert at.number_input(key="world_box_west").value == -90
