"""What is seen on the World page as data: the whole Earth, or the cells of a box."""

import map_files
import numpy as np
import pytest
from streamlit.testing.v1 import AppTest

from tamrl import atlas
from tamrl.fields import Period
from tamrl.ui import world_cache
from tamrl.ui.components import Origin
from tamrl.ui.world_cache import Question
from tamrl.ui.world_export import EARTH, dataset, table
from tamrl.ui.world_view import View


@pytest.fixture(scope="module")
def asked(tmp_path_factory):
    entries = atlas.entries_in([map_files.folder(tmp_path_factory.mktemp("export") / "maps", step=10.0)])
    entry = next(iter(entries.values()))
    maps = world_cache.maps(entry)
    view = View(entry, maps, None, None, "GPP", Period(month=7), "flux", "single", None, entries, Origin("made", True))
    return view, (Question(entry, "GPP", Period(month=7)),)


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

    from tamrl import atlas
    from tamrl.fields import Period
    from tamrl.figures.world_map import Scale
    from tamrl.ui import world_cache, world_export
    from tamrl.ui.components import Origin
    from tamrl.ui.world_cache import Question
    from tamrl.ui.world_view import View

    entries = atlas.entries_in([Path(folder)])
    entry = next(iter(entries.values()))
    maps = world_cache.maps(entry)
    view = View(entry, maps, None, None, "GPP", Period(), "flux", "single", None, entries, Origin("made", True))
    world_export.popover(
        view, (Question(entry, "GPP", Period()),), Scale(("#ffffff", "#000000"), 0.0, 10.0, "GPP", "gC m-2 d-1")
    )


def test_an_empty_box_is_said_and_offers_no_file(asked):
    at = AppTest.from_function(_page, args=(str(asked[0].entry.path.parent),), default_timeout=60).run()
    assert not at.exception
    assert len(at.get("download_button")) == 4
    at.number_input(key="world_box_west").set_value(50.0)
    at.number_input(key="world_box_east").set_value(40.0).run()
    assert "No cell lies in this box" in at.warning[0].value
    assert not at.get("download_button")
