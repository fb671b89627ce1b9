"""One cell: what drives it, its cycle in a product, towers like it, and the model adapted to known months."""

import copy

import map_files
import numpy as np
import pandas as pd
import pytest
import torch
import xarray as xr

from tamrl.config import Config, ModelConfig
from tamrl.errors import TamrlError
from tamrl.globe.earth import igbp_class
from tamrl.maps import cell
from tamrl.model.checkpoint import Ensemble, Member
from tamrl.model.inputs import Normaliser
from tamrl.model.network import TAMRL
from tamrl.model.prior import CodePrior
from tamrl.model.training_towers import Reference
from tamrl.predict import monthly_means
from tamrl.predict.monthly_means import BALANCE, GIVEN, SPLIT, adapt_months
from tamrl.schema import FLUXES
from tamrl.timestep import TimeStep
from tamrl.towers.quality import flux_table


@pytest.fixture(scope="module")
def earth():
    return map_files.earth()


@pytest.fixture(scope="module")
def maps():
    return map_files.dataset()


@pytest.fixture(scope="module")
def ensemble():
    """Two small monthly members that were not trained: what adaptation does is algebra, whatever the weights."""
    drivers = ("TA", "P_MON", "SW_IN_POT", "SW_IN_POT_TREND", "NDVI_MIN", "NDVI_MAX", "C4")
    config = Config(
        model=ModelConfig(drivers=drivers, step=TimeStep.MONTHLY, code=4, embed=8, hidden=8, encoder_hidden=4)
    )
    normaliser = Normaliser(
        np.array([10, 2, 250, 0, 0.2, 0.6, 0.1], np.float32),
        np.array([12, 2, 100, 20, 0.2, 0.2, 0.3], np.float32),
        np.array([4, 3, 2.5], np.float32),
    )
    members = []
    for seed in range(2):
        torch.manual_seed(seed)
        model = TAMRL(config.model, torch.from_numpy(normaliser.flux_scale)).eval().requires_grad_(False)
        members.append(Member(model, normaliser, CodePrior(torch.eye(4), torch.ones(3)), {"index": seed}))
    return Ensemble(members, config, torch.device("cpu"))


def values(**months):
    """Known months: ``GPP={6: 8.0}``."""
    table = monthly_means.empty()
    for flux, known in months.items():
        for month, value in known.items():
            table.loc[month, flux] = value
    return table


def test_a_place_says_what_drives_it(earth):
    place = cell.place_at(earth, 0.3, 21.9)
    assert (place.lat, place.lon) == (1.0, 21.0)
    assert place.position == "1° N, 21° E"
    assert (place.igbp, place.koeppen, place.continent, place.region) == ("EBF", "Af", "Africa", "Tropics")
    assert place.covers == {"EBF": 1.0}
    assert place.fixed == {"NDVI_MIN": 0.2, "NDVI_MAX": 0.7, "C4": 0.1}
    np.testing.assert_allclose(place.drivers["TA"], earth["TA"].sel(lat=1, lon=21))
    assert cell.place_at(earth, 0, -160) is None
    assert cell.position(-33.5, -70.25) == "33.5° S, 70.25° W"


def test_the_cycle_of_a_cell_is_that_of_the_maps(maps):
    found = cell.cell_cycle(maps, "GPP", 11.4, 20.7)
    np.testing.assert_allclose(found["value"], maps["GPP"].sel(lat=11, lon=21), rtol=1e-6)
    np.testing.assert_allclose(found["sd"], maps["GPP_sd"].sel(lat=11, lon=21), rtol=1e-6)
    assert cell.cell_cycle(maps, "GPP", 0, -160) is None, "the sea"
    assert cell.cell_cycle(maps.drop_vars("RECO"), "RECO", 11, 21) is None
    europe = maps.sel(lat=slice(36, 60), lon=slice(0, 20))
    assert cell.cell_cycle(europe, "GPP", 11, 21) is None, "outside the grid the nearest cell is another place"
    assert cell.cell_code(europe, 11, 21) is None


def test_the_cycle_of_years_is_their_mean():
    years = map_files.dataset(step=10, years=3, kind="product", fluxes=("GPP",))
    found = cell.cell_cycle(years, "GPP", 5, 5)
    july = years["GPP"].sel(lat=5, lon=5).groupby("time.month").mean()
    np.testing.assert_allclose(found["value"], july, rtol=1e-5)
    assert list(found.columns) == ["value"]


def test_distances_on_the_sphere():
    # A quarter of the equator, pole to pole, and Munich to Berlin.
    quarter = np.pi / 2 * 6371.0072
    found = cell.distance_km(0, 0, np.array([0, 90, 0]), np.array([90, 0, 180]))
    np.testing.assert_allclose(found, [quarter, quarter, 2 * quarter])
    assert cell.distance_km(48.137, 11.575, np.array([52.52]), np.array([13.405]))[0] == pytest.approx(504, abs=2)
    assert cell.distance_km(10, 179.9, np.array([10]), np.array([-179.9]))[0] == pytest.approx(21.9, abs=0.1)


def test_towers_like_a_cell_are_those_with_the_nearest_codes(maps):
    rng = np.random.default_rng(0)
    reference = Reference(
        sites=tuple(f"XX-{i:03d}" for i in range(20)),
        lat=rng.uniform(-60, 60, 20),
        lon=rng.uniform(-180, 180, 20),
        igbp=("ENF",) * 20,
        koeppen=("Dfb",) * 20,
        codes=rng.normal(size=(3, 20, 6)).astype("float32"),
        summaries=rng.normal(size=(20, 4)).astype("float32"),
    )
    code = reference.components[7] + 0.01
    table = cell.like_towers(reference, code, 10.0, 20.0, count=5)
    assert table.index[0] == "XX-007"
    assert len(table) == 5
    assert table["code_distance"].is_monotonic_increasing
    brute = np.sqrt(((reference.components - code) ** 2).sum(axis=1))
    np.testing.assert_allclose(table["code_distance"], np.sort(brute)[:5], rtol=1e-5)
    row = table.iloc[1]
    assert row["km"] == pytest.approx(cell.distance_km(10, 20, row["lat"], row["lon"]))
    with pytest.raises(TamrlError, match="2 components"):
        cell.like_towers(reference, cell.cell_code(maps, 11, 21), 11, 21)
    assert cell.cell_code(maps, 11, 21).shape == (2,)
    assert cell.cell_code(maps.drop_vars("code"), 11, 21) is None


def test_a_cell_as_a_tower(earth):
    tower = cell.tower_of_cell(earth, 40.7, 11.2)
    assert tower.sizes == {"time": 24}
    assert tower.attrs["frequency"] == "1MS"
    np.testing.assert_allclose(tower["TA"][:12], tower["TA"][12:])
    np.testing.assert_allclose(tower["TA"][:12], earth["TA"].sel(lat=41, lon=11), rtol=1e-6)
    assert (tower["NEE_QC"] == 0).all()
    assert tower["GPP"].isnull().all()
    classes = igbp_class(earth).sel(lat=41, lon=11)
    assert tower["igbp"].item() == classes.attrs["flag_meanings"].split()[int(classes)]
    with pytest.raises(TamrlError, match="no land"):
        cell.tower_of_cell(earth, 0, -160)


def test_the_classes_of_a_cell_are_its_mixture_or_one_cover(earth):
    from tamrl.landcover import static_inputs
    from tamrl.schema import IGBP_CLASSES

    mixed = earth.copy(deep=True)
    mixed["igbp_fraction"][:] = 0.0
    for name, share in (("ENF", 0.3), ("URB", 0.2), ("BSV", 0.5)):
        mixed["igbp_fraction"].loc[{"igbp": name}] = share
    place = cell.place_at(mixed, 41, 11)
    assert list(place.covers) == ["BSV", "ENF", "URB"]
    assert cell.vegetated(place) == pytest.approx(0.5)
    static = cell.static_of(place, frozenset({"ENF", "GRA"}))
    assert static[IGBP_CLASSES.index("ENF")] == pytest.approx(0.6)
    assert static[IGBP_CLASSES.index("unknown")] == pytest.approx(0.4)
    one = cell.static_of(place, frozenset({"ENF", "GRA"}), "GRA")
    np.testing.assert_array_equal(one, static_inputs("GRA", place.koeppen))
    np.testing.assert_array_equal(static[len(IGBP_CLASSES) :], one[len(IGBP_CLASSES) :])
    other = cell.static_of(place, frozenset({"ENF", "GRA"}), "URB")
    np.testing.assert_array_equal(other, static_inputs("unknown", place.koeppen))


def test_the_mixture_changes_what_the_model_makes_of_a_cell(ensemble, earth):
    tower, known = cell.tower_of_cell(earth, 41, 11), values(GPP={6: 7.0})
    place = cell.place_at(earth, 41, 11)
    same = cell.static_of(place, frozenset({"GRA"}))
    pd.testing.assert_frame_equal(
        adapt_months(ensemble, tower, known, static=same), adapt_months(ensemble, tower, known)
    )
    awake = copy.deepcopy(ensemble)
    for member in awake.members:
        with torch.no_grad():
            member.model.modulator.linear.weight.normal_(generator=torch.Generator().manual_seed(3))
    other = cell.static_of(place, frozenset({"GRA", "DBF"}), "DBF")
    changed = adapt_months(awake, tower, known, static=other)["GPP_before"]
    assert not np.allclose(changed, adapt_months(awake, tower, known)["GPP_before"], rtol=1e-3)


def test_two_of_three_give_the_third():
    some = values(GPP={1: 2.0, 3: 4.0, 5: 1.0}, RECO={1: 3.0, 2: 5.0}, NEE={2: 1.5, 3: -1, 4: 0.5})
    known = monthly_means.complete(some)
    assert known.loc[1, "NEE"] == pytest.approx(1.0)
    assert known.loc[2, "GPP"] == pytest.approx(3.5)
    assert known.loc[3, "RECO"] == pytest.approx(3.0)
    assert list(known.loc[1:3, "GPP_from"]) == [GIVEN, BALANCE, GIVEN]
    typed = monthly_means.complete(values(GPP={1: 5, 3: 5, 4: 5}, RECO={1: 3, 4: 3}, NEE={1: 1, 2: -1, 3: -1, 4: -2}))
    # What was typed is given, unless GPP and RECO say otherwise and are read instead.
    assert list(typed.loc[1:5, "NEE_from"]) == [BALANCE, GIVEN, GIVEN, GIVEN, ""]
    assert list(typed.loc[3, ["GPP_from", "RECO_from"]]) == [GIVEN, BALANCE]
    assert list(known.loc[1:3, "RECO_from"]) == [GIVEN, GIVEN, BALANCE]
    assert known.loc[4, ["GPP", "RECO"]].isna().all()
    assert known.loc[5, "GPP_from"] == GIVEN
    assert known.loc[5, "RECO_from"] == ""
    assert monthly_means.alone(known) == [4]
    assert monthly_means.out_of_balance(values(GPP={6: 5}, RECO={6: 3}, NEE={6: -1})) == [6]


def test_a_lone_nee_is_shared_out_by_the_least_squares_solution():
    expected = pd.DataFrame(
        {"GPP": 6.0, "RECO": 5.0, "GPP_spread": 2.0, "RECO_spread": 1.0}, index=monthly_means.MONTHS
    )
    lone = monthly_means.complete(values(NEE={7: -3.0, 1: 9.0}))
    found = monthly_means.split(lone, expected)
    july = found.loc[7]
    assert july["RECO"] - july["GPP"] == pytest.approx(-3)
    # Among all pairs with this balance, none is nearer to what is expected in units of the spreads.
    reco = np.linspace(0, 12, 12001)
    cost = ((reco - 5) / 1) ** 2 + ((reco + 3 - 6) / 2) ** 2
    assert july["RECO"] == pytest.approx(reco[cost.argmin()], abs=1e-3)
    assert (july["GPP_from"], july["RECO_from"]) == (SPLIT, SPLIT)
    january = found.loc[1]
    assert january["GPP"] >= 0
    assert january["RECO"] == pytest.approx(january["GPP"] + 9)
    assert found.loc[2, ["GPP", "RECO"]].isna().all()


def test_known_months_draw_the_model_to_them(ensemble, earth):
    tower = cell.tower_of_cell(earth, 41, 11)
    known = values(GPP=dict.fromkeys((5, 6, 7), 9.0), RECO=dict.fromkeys((5, 6, 7), 4.0))
    found = adapt_months(ensemble, tower, known)
    for flux, target in (("GPP", 9.0), ("RECO", 4.0), ("NEE", -5.0)):
        before, after = (abs(found.loc[[5, 6, 7], f"{flux}_{when}"] - target) for when in ("before", "after"))
        assert (after < before).all(), flux
        balance = found["NEE_after"] - found["RECO_after"] + found["GPP_after"]
        np.testing.assert_allclose(balance, 0, atol=1e-5)
    assert (found.loc[[5, 6, 7], "GPP_after_spread"] < found.loc[[5, 6, 7], "GPP_before_spread"]).any()
    assert list(found["NEE_known"].dropna().index) == [5, 6, 7]
    assert "GPP_before_low" not in found, "without a calibration there are no intervals"


def test_adapting_is_what_the_lab_does(ensemble, earth):
    from tamrl.predict.adapt import adapt

    tower = cell.tower_of_cell(earth, 41, 11)
    known = values(GPP={2: 3.0, 8: 7.0}, RECO={8: 5.0})
    found = adapt_months(ensemble, tower, known)
    labelled = tower.copy(deep=True)
    labelled["GPP"].values[[13, 19]] = 3.0, 7.0
    labelled["RECO"].values[19] = 5.0
    labelled["NEE"].values[19] = -2.0
    labelled["NEE_QC"].values[[13, 19]] = 1
    result = adapt(ensemble, labelled, pd.DatetimeIndex(tower.time.values)[[13, 19]])
    for flux in FLUXES:
        np.testing.assert_allclose(found[f"{flux}_before"], result.zero_shot[flux].mean("member")[12:], rtol=1e-5)
        np.testing.assert_allclose(found[f"{flux}_after"], result.adapted[flux].mean("member")[12:], rtol=1e-4)


def test_nee_alone_changes_nothing_unless_it_is_shared_out(ensemble, earth):
    tower = cell.tower_of_cell(earth, 41, 11)
    lone = values(NEE={6: -4.0, 7: -4.0})
    with pytest.raises(TamrlError, match="NEE alone"):
        adapt_months(ensemble, tower, lone)
    shared = adapt_months(ensemble, tower, lone, share_nee=True)
    assert (abs(shared.loc[[6, 7], "NEE_after"] + 4) < abs(shared.loc[[6, 7], "NEE_before"] + 4)).all()
    assert set(shared.loc[[6, 7], "GPP_from"]) == {SPLIT}
    mixed = values(NEE={6: -4.0}, GPP={1: 0.5})
    found = adapt_months(ensemble, tower, mixed)
    assert list(found["GPP_known"].dropna().index) == [1]
    assert flux_table(tower).shape == (24, 3)
    assert np.isnan(flux_table(tower)).all(), "the tower that was handed over stays as it was"


def test_months_from_a_file():
    text = "# from somewhere\nmonth, year, gpp ,NEE\n1,2001,2,1\n1,2002,4,-9999\n7,2001,,-3\n"
    found = monthly_means.read_months(text.encode())
    assert found.loc[1, "GPP"] == 3
    assert found.loc[1, "NEE"] == 1
    assert found.loc[7, "NEE"] == -3
    assert np.isnan(found.loc[7, "GPP"])
    assert found["RECO"].isna().all()
    assert list(found.columns) == list(FLUXES)
    assert found.attrs["years"] == 2
    again = monthly_means.read_months(monthly_means.empty().to_csv())
    assert again.isna().all().all()


def test_months_of_a_tower_are_means_over_years_of_good_months():
    time = pd.date_range("2001-01-01", "2002-12-31")
    values = np.where(time.year == 2001, 2.0, 4.0).astype("float32")
    quality = np.where((time.month == 7) & (time.year == 2002), 0.2, 1.0).astype("float32")
    tower = xr.Dataset(
        dict.fromkeys(FLUXES, ("time", values)) | {"NEE_QC": ("time", quality)}, {"time": time, "site": "XX-One"}
    )
    found = monthly_means.months_of(tower.where(tower["time"] < np.datetime64("2002-12-03")))
    assert found.loc[1, "GPP"] == 3
    assert found.loc[7, "GPP"] == 2, "a month of low quality is left out"
    assert found.loc[12, "GPP"] == 2, "two days are no month"
    assert found.attrs["years"] == 2


@pytest.mark.parametrize(
    "text",
    [
        "",
        "a,b\n1,2\n",
        "month\n1\n",
        "month,GPP\n13,2\n",
        "month,GPP\n1,much\n",
        "month,GPP\n1,300\n",
        "month,GPP\n,3\n",
        "GPP,RECO\n1,2\n",
        "month,GPP,gpp\n1,2,3\n",
        "\x00\xff",
    ],
)
def test_a_file_that_is_not_understood_is_an_error(text):
    with pytest.raises(TamrlError) as error:
        monthly_means.read_months(text, "my.csv")
    assert error.value.where == "my.csv"
    assert error.value.todo


def test_the_bundled_model_reads_a_cell_as_it_was_mapped():
    """Before any month is known the page shows what the bundled maps hold, to the precision they are packed with."""
    from tamrl.bundled import bundled_models
    from tamrl.globe.earth import load_earth
    from tamrl.maps.catalog import bundled_maps
    from tamrl.model.checkpoint import load_ensemble
    from tamrl.model.training_towers import load_reference

    file, model = bundled_maps() / "tamrl-climate.nc", bundled_models().get("fluxnet2015-climate")
    loaded, trained = load_ensemble(model), frozenset(load_reference(model).igbp)
    with xr.open_dataset(file) as opened:
        for lat, lon in ((48.25, 11.75), (-3.25, -60.25), (64.25, 100.25)):
            place = cell.place_at(load_earth(), lat, lon)
            found = adapt_months(
                loaded,
                cell.tower_of_cell(load_earth(), lat, lon),
                values(GPP={1: 1.0}),
                static=cell.static_of(place, trained),
            )
            for flux in FLUXES:
                mapped = opened[flux].sel(lat=lat, lon=lon).values
                np.testing.assert_allclose(found[f"{flux}_before"] * cell.vegetated(place), mapped, atol=0.08)
