"""Pictures of fields: the right colour at the right place, small enough, and readable back."""

import io
import re

import map_files
import matplotlib.image
import numpy as np
import pytest
import xarray as xr
from hypothesis import given, settings
from hypothesis import strategies as st

from tamrl.figures.colours import GREEN_BROWN, OWN, PALETTES, rgb
from tamrl.figures.world import map as world_map
from tamrl.figures.world import print as world_print
from tamrl.figures.world.map import Scale
from tamrl.maps.layer import colour_range


def scale(low=0.0, high=10.0, name="GPP", difference=False):
    colours, _ = world_map.colours_of(name, difference)
    return Scale(
        colours=colours, low=low, high=high, label=world_map.label_of(name, difference), unit=world_map.unit_of(name)
    )


def decoded(content):
    """Rows, columns, RGBA 0-255, read by another library."""
    pixels = matplotlib.image.imread(io.BytesIO(content), format="png")
    return np.round(255 * pixels).astype(int)


def field(values, step=30.0):
    values = np.asarray(values, float)
    lat = -90 + step / 2 + step * np.arange(values.shape[0])
    lon = -180 + step / 2 + step * np.arange(values.shape[1])
    return xr.DataArray(values, {"lat": lat, "lon": lon}, ("lat", "lon"))


def test_a_known_cell_has_its_colour_in_its_row_and_column():
    values = np.full((6, 12), np.nan)
    values[4, 7] = 10.0  # 30-60 N, 30-60 E
    values[1, 0] = 0.0  # 60-30 S, 180-150 W
    found = decoded(world_map.picture(field(values), scale()))
    assert found.shape == (6, 12, 4)
    assert list(found[1, 7]) == rgb(scale().colours[-1])
    assert list(found[4, 0]) == rgb(scale().colours[0])
    assert (found[..., 3] > 0).sum() == 2
    assert world_map.bounds(field(values)) == [-180, -90, 180, 90]


def test_rows_around_the_poles_are_as_high_as_the_others():
    axes = {"lat": np.arange(-90, 91, 30.0), "lon": np.arange(-180, 180, 30.0)}
    polar = xr.DataArray(np.zeros((7, 12)), axes, ("lat", "lon"))
    assert world_map.bounds(polar) == [-195, -105, 165, 105]


def test_a_field_whose_dimensions_are_turned_is_the_same_picture():
    values = field(np.arange(72.0).reshape(6, 12))
    assert world_map.picture(values.transpose("lon", "lat"), scale()) == world_map.picture(values, scale())


def test_zero_is_white_in_diverging_scales_and_uptake_is_green():
    colours, centred = world_map.colours_of("NEE")
    assert centred
    middle = world_map.palette(colours)[world_map.STEPS // 2]
    assert list(middle) == rgb("#f5f5f5")[:3]
    assert colours[0] == GREEN_BROWN[0] == "#003c30"  # NEE far below zero, uptake
    # A difference has one sense for all fluxes, and not the colours of uptake and release.
    assert {world_map.colours_of(flux, difference=True)[0][-1] for flux in ("GPP", "RECO", "NEE")} == {"#7f3b08"}
    assert not world_map.colours_of("GPP")[1]


@settings(max_examples=60, deadline=None)
@given(values=st.lists(st.floats(-50, 50), min_size=1, max_size=40), low=st.floats(-20, 20), width=st.floats(0.01, 40))
def test_values_are_read_back_to_a_step_of_the_range(values, low, width):
    array, high = np.array(values), low + width
    places = world_map.steps(array, low, high)
    back = low + (places.astype(int) - 1) / (world_map.STEPS - 1) * width
    assert np.abs(back - np.clip(array, low, high)).max() <= 0.5001 * width / (world_map.STEPS - 1) + 1e-9
    order = np.argsort(array)
    assert (np.diff(places[order].astype(int)) >= 0).all()
    assert world_map.steps(np.array([np.nan]), low, high)[0] == 0


@settings(max_examples=25, deadline=None)
@given(shape=st.tuples(st.integers(1, 9), st.integers(1, 9)), seed=st.integers(0, 99))
def test_a_png_holds_every_place_of_its_palette(shape, seed):
    rng = np.random.default_rng(seed)
    colours = rng.integers(0, 256, (255, 3)).astype(np.uint8)
    places = rng.integers(0, 256, shape).astype(np.uint8)
    found = decoded(world_map.png(places, colours))
    np.testing.assert_array_equal(found[..., :3][places > 0], colours[places[places > 0] - 1])
    np.testing.assert_array_equal(found[..., 3], np.where(places > 0, 255, 0))


def test_ranges_are_percentiles_and_centred_where_asked():
    values = np.append(np.arange(101.0), np.nan)
    assert colour_range(values, False, (2, 98)) == (2.0, 98.0)
    assert colour_range(values - 60, True, (0, 100)) == (-60.0, 60.0)
    assert colour_range(np.full(4, np.nan), False) == (0.0, 1.0)
    low, high = colour_range(np.full(4, 3.0), False)
    assert low < high


def test_the_picture_of_half_a_degree_is_a_small_message():
    maps = map_files.dataset(0.5)
    content = world_map.picture(maps["GPP"].isel(time=6), scale())
    assert len(world_map.data_url(content)) < 300_000


def test_a_finer_field_is_averaged_until_its_picture_is_small():
    rng = np.random.default_rng(0)
    noisy = field(rng.uniform(0, 10, (240, 480)), 0.75)
    content, bounds = world_map.small_picture(noisy, scale(), most=40_000)
    assert len(content) <= 40_000
    assert bounds == [-180, -90, 180, 90]
    assert decoded(content).shape[:2] == (120, 240)
    whole, _ = world_map.small_picture(noisy, scale())
    assert decoded(whole).shape[:2] == (240, 480)


def test_the_colour_bar_says_range_unit_and_what_lies_beyond():
    bar = world_map.colour_bar(scale(-2.0, 2.0, "NEE"), "dark")
    for part in ("gC m⁻² d⁻¹", ">−2.0<", ">0<", ">1.0<", "polygon", "beyond"):
        assert part in bar
    assert world_map.number(0.16, 0.7) == "0.16"
    assert world_map.number(123.4, 500) == "123"


@pytest.mark.parametrize("theme", ["light", "dark"])
def test_towers_outlines_and_land_part_from_the_sea(theme):
    colours = world_map.map_colours(theme)
    assert len({colours["sea"], colours["land"], colours["border"]}) == 3


def test_the_picture_for_print_shows_the_field_and_is_large_enough():
    maps = map_files.dataset(4.0)
    july = maps["GPP"].isel(time=6)
    panel = world_print.Panel("Made up", july, maps["extrapolation"] > 0.8)
    content = world_print.draw([panel, panel], scale(), "July", "made up for tests, " * 20)
    found = decoded(content)
    assert found.shape[1] == 2400
    assert found.shape[0] > 2000
    # The darkest green of the field near the equator is somewhere on the upper map.
    wanted = world_map.palette(scale().colours)[world_map.steps(july.max().values, 0, 10) - 1]
    assert (np.abs(found[:1100, :, :3] - wanted).max(axis=2) <= 2).any()


def brightness(colours):
    return np.array([np.dot(rgb(c)[:3], [0.299, 0.587, 0.114]) for c in colours])


@pytest.mark.parametrize("name", ["GPP", "RECO", "extrapolation", "GPP_sd"])
def test_on_a_dark_ground_what_is_large_is_bright(name):
    assert (np.diff(brightness(world_map.colours_of(name, theme="dark")[0])) > 0).all()
    assert set(world_map.colours_of(name, theme="dark")[0]) == set(world_map.colours_of(name)[0])


@pytest.mark.parametrize(("name", "difference"), [("NEE", False), ("GPP", True), ("NEE", True), ("RECO_sd", True)])
def test_on_a_dark_ground_zero_is_dark_and_the_hues_stay(name, difference):
    light, dark = (world_map.colours_of(name, difference, theme)[0] for theme in ("light", "dark"))
    half = len(dark) // 2
    assert (np.diff(brightness(dark[: half + 1])) < 0).all()
    assert (np.diff(brightness(dark[half:])) > 0).all()
    assert set(dark[:half]) == set(light[1 : half + 1])
    assert set(dark[half + 1 :]) == set(light[half + 2 : -1])


def test_the_ends_of_a_scale_have_words():
    assert world_map.ends_of("NEE") == ("uptake", "release")
    assert world_map.ends_of("GPP") == ("", "")
    compared = {world_map.ends_of(flux, "TAM-RL") for flux in ("GPP", "RECO", "NEE")}
    assert compared == {("TAM-RL lower", "TAM-RL higher")}
    nee = scale(-2.0, 2.0, "NEE")
    bar = world_map.colour_bar(
        Scale(colours=nee.colours, low=-2, high=2, label=nee.label, unit=nee.unit, ends=("<up>take", "release")),
        "light",
    )
    assert "&lt;up&gt;take" in bar
    assert "from −2.0 (&lt;up&gt;take) to 2.0 (release)" in bar
    assert "uptake" not in world_map.colour_bar(scale(), "light")


def test_a_field_in_words_has_its_extremes_and_their_places():
    values = np.full((6, 12), np.nan)
    values[3, 7], values[1, 0] = 10.0, -2.0
    said = world_map.in_words(field(values), "gC m-2 d-1")
    assert "highest 10.0 at 15° N, 45° E" in said
    assert "lowest −2.0 at 45° S, 165° W" in said
    weights = np.cos(np.deg2rad([15, 45]))
    assert f"mean {(10 * weights[0] - 2 * weights[1]) / weights.sum():.1f} gC m⁻² d⁻¹" in said
    assert world_map.in_words(field(values * np.nan), "1") == "no value anywhere"
    assert "mean 3" in world_map.in_words(field(np.full((6, 12), 3.0)), "1")


def print_panel(doubtful=None):
    """Six by twelve cells of 30 degrees, 10 between 0 and 30 N, 150 and 180 E, else 0."""
    values = np.zeros((6, 12))
    values[3, 11] = 10.0
    return world_print.Panel("Made up", field(values), doubtful)


def share_of(content, colour):
    """Share of the pixels of a PNG that have a colour."""
    found = decoded(content)[..., :3]
    return (np.abs(found - rgb(colour)[:3]).max(axis=2) <= 2).mean()


def test_one_map_has_the_shape_of_a_slide():
    found = decoded(world_print.draw([print_panel()], scale(), "July", "made up"))
    assert found.shape[:2] == (1350, 2400)


def test_a_picture_of_a_box_shows_the_box_alone():
    high = scale().colours[-1]
    shares = {
        box: share_of(world_print.draw([print_panel()], scale(), "July", "made up", box), high)
        for box in (world_print.EARTH, (155.0, 5.0, 175.0, 25.0), (-30.0, 0.0, 30.0, 30.0), (140.0, -30.0, 220.0, 40.0))
    }
    whole, inside, outside, across = shares.values()
    assert 0.005 < whole < 0.03
    # The map takes nearly half of the paper where degrees are square; the colour bar has a little of the colour too.
    assert inside > 10 * whole
    assert outside < whole / 3
    assert 2 * whole < across < inside, "a box across the date line is one piece"


def svg(*args, **settings):
    return world_print.draw(*args, kind="svg", **settings).decode()


def test_a_picture_says_hatch_signs_source_and_that_it_is_simulated():
    far = print_panel().field > 5
    signs = world_print.Signs((15.0, 165.0, 30.0, 30.0), ((10.0, 50.0),))
    told = svg([print_panel(far)], scale(), "July", "made-up maps", signs=signs, simulated=True)
    text = " ".join(re.findall(r">([^<>]+)</text>", told))
    hatch = "Hatched: outside the area of applicability"
    for part in (
        "SIMULATED",
        "Gross primary productivity, July",
        "Source: made-up maps",
        "Made up",
        "gC m⁻² d⁻¹",
        hatch,
    ):
        assert part in text
    for part in ("towers", "picked cell"):
        assert part in text
    plain = svg([print_panel()], scale(), "July", "made-up maps")
    assert not any(part in plain for part in ("SIMULATED", "Hatched", "picked cell"))
    assert "Hatched" not in svg([print_panel(far & False)], scale(), "July", "none is doubtful")
    assert "Hatched" not in svg([print_panel(far)], scale(), "July", "made up", box=(-30.0, 0.0, 30.0, 30.0))
    assert "Hatched" in svg([print_panel(far)], scale(), "July", "made up", box=(160.0, 0.0, 200.0, 30.0))


def test_the_mask_the_cell_and_the_towers_are_drawn():
    far = print_panel().field > 5
    box = (150.0, 0.0, 180.0, 30.0)
    bare = world_print.draw([print_panel()], scale(), "July", "made up", box)
    hatched = world_print.draw([print_panel(far)], scale(), "July", "made up", box)
    assert share_of(hatched, "#23302a") > share_of(bare, "#23302a") + 0.005
    signs = world_print.Signs((15.0, 165.0, 5.0, 5.0), ((170.0, 20.0),))
    marked = world_print.draw([print_panel()], scale(), "July", "made up", box, signs)
    assert share_of(marked, "#ffd23f") > 0.0005 > share_of(bare, "#ffd23f")
    wide = (140.0, -30.0, 220.0, 40.0)
    east = world_print.Signs((0.0, -160.0, 5.0, 5.0))
    assert share_of(world_print.draw([print_panel()], scale(), "July", "made up", wide, east), "#ffd23f") > 0.0001


#: How a colour looks to readers without the long, or the middle, cones: linear RGB (Machado et al. 2009,
#: doi:10.1109/TVCG.2009.113, severity 1).
BLINDNESS = {
    "protan": [[0.152286, 1.052583, -0.204868], [0.114503, 0.786281, 0.099216], [-0.003882, -0.048116, 1.051998]],
    "deutan": [[0.367322, 0.860646, -0.227968], [0.280085, 0.672501, 0.047413], [-0.011820, 0.042940, 0.968881]],
}


def seen_by(kind, colours):
    """Colours (n, 3) as CIE Lab, as such readers see them."""
    srgb = np.array([rgb(c)[:3] for c in colours]) / 255
    linear = np.where(srgb <= 0.04045, srgb / 12.92, ((srgb + 0.055) / 1.055) ** 2.4)
    xyz = (
        np.clip(linear @ np.array(BLINDNESS[kind]).T, 0, 1)
        @ np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]]).T
        / [0.9505, 1.0, 1.089]
    )
    root = np.where(xyz > 0.008856, np.cbrt(xyz), 7.787 * xyz + 16 / 116)
    return np.stack([116 * root[:, 1] - 16, 500 * (root[:, 0] - root[:, 1]), 200 * (root[:, 1] - root[:, 2])], axis=1)


@pytest.mark.parametrize("kind", sorted(BLINDNESS))
@pytest.mark.parametrize("theme", ["light", "dark"])
@pytest.mark.parametrize("palette", [OWN, *PALETTES])
def test_colour_blind_readers_can_read_every_palette(palette, theme, kind):
    sign = 1 if theme == "dark" else -1
    for flux in ("GPP", "RECO"):
        light = seen_by(kind, world_map.colours_of(flux, theme=theme, palette=palette)[0])[:, 0]
        assert (sign * np.diff(light) > 0).all()
        assert abs(light[-1] - light[0]) > 45
    colours, centred = world_map.colours_of("NEE", theme=theme, palette=palette)
    assert centred
    lab = seen_by(kind, colours)
    half = len(colours) // 2
    # From zero outwards lightness goes one way, and uptake is told from release at every step.
    for side in (lab[half::-1, 0], lab[half:, 0]):
        assert (sign * np.diff(side) > 0).all()
    apart = np.linalg.norm(lab[:half] - lab[:half:-1], axis=1)
    assert (apart > 10).all()


def test_differences_spreads_and_the_index_keep_their_colours_in_every_palette():
    for name, difference in (("GPP", True), ("GPP_sd", False), ("extrapolation", False)):
        found = {world_map.colours_of(name, difference, palette=palette) for palette in (OWN, *PALETTES)}
        assert len(found) == 1
