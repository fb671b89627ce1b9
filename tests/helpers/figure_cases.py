"""Every figure of the package drawn from made-up data: a line a figure, by ``module.function``."""

from collections.abc import Callable
from typing import Any

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.bundled import outlines
from tamrl.evaluation.results import METRICS
from tamrl.figures.lab import adaptation, by_month, diagnostics, network, runs
from tamrl.figures.lessons import classroom, labels, measured, seasons, siting, trust
from tamrl.figures.scorecard import checks, models, patterns
from tamrl.figures.scorecard import map as score_maps
from tamrl.figures.start import map as start_map
from tamrl.figures.style import Theme
from tamrl.figures.task_space import decoded, modulation, space
from tamrl.figures.towers import coverage, fingerprint, series
from tamrl.figures.towers import map as tower_maps
from tamrl.figures.world import at_towers, cell, charts, compare, land_sink, totals
from tamrl.figures.world.map import Scale
from tamrl.globe.contract import cell_area
from tamrl.maps.aggregate import density
from tamrl.maps.global_totals import read_published
from tamrl.predict.monthly_means import BALANCE, GIVEN
from tamrl.schema import FLUX_UNIT, FLUXES, VARIABLES
from tamrl.teaching.labels import Benchmark
from tamrl.timestep import TimeStep

RNG = np.random.default_rng(0)
RMSE, R2 = METRICS["rmse"], METRICS["r2"]
MONTH = pd.RangeIndex(1, 13, name="month")


def _tower() -> xr.Dataset:
    """A bit more than a year of a made-up tower, every seventh day of low quality."""
    time = pd.date_range("2003-11-01", "2004-12-31")
    gpp = (6 - 5 * np.cos(2 * np.pi * time.day_of_year.to_numpy() / 365)).astype("float32")
    data = {"GPP": gpp, "RECO": gpp / 2, "NEE": -gpp / 2, "TA": 2 * gpp, "LAI": gpp / 3}
    data["NEE_QC"] = np.where(np.arange(len(time)) % 7 == 0, 0.3, 0.9).astype("float32")
    made = xr.Dataset({name: ("time", values) for name, values in data.items()}, coords={"time": time})
    for name in made.data_vars:
        made[name].attrs.update(units=VARIABLES[name].unit, native_resolution=VARIABLES[name].resolution)
    return made.assign_coords(site="XX-One")


def _predictions(factor: float) -> xr.Dataset:
    """Two members either side of ``factor`` times the observations."""
    members = np.array([factor - 0.1, factor + 0.1], dtype="float32")[:, None]
    fluxes = {flux: (("member", "time"), members * TOWER[flux].values[None]) for flux in FLUXES}
    return xr.Dataset(fluxes, coords={"member": [0, 1], "time": TOWER["time"]})


TOWER = _tower()
BEFORE, AFTER = _predictions(0.7), _predictions(1.05)
SUPPORT = pd.DatetimeIndex(TOWER["time"].values[200:230])
SCORED = np.ones(TOWER.sizes["time"], bool)
HISTORY = pd.DataFrame(
    {
        "member": [0, 0, 1, 1],
        "step": [0, 5, 0, 5],
        "loss": [2.0, 1.0, 2.5, 1.2],
        "held_back": [2.0, 1.5, np.nan, np.nan],
    }
)
SITES = ["XX-One", "XX-Two", "XX-Six"]
PLACES = pd.DataFrame(
    {
        "lat": [50.0, -20.0, 65.0],
        "lon": [8.0, 140.0, 30.0],
        "igbp": ["ENF", "SAV", "GRA"],
        "koeppen": ["Cfb", "BSh", "Dfc"],
    },
    index=pd.Index(SITES, name="site"),
)
TOWERS = PLACES.assign(
    name=["One", "", "Six"], first=2003, last=2004, valid_days=[300, 200, 100], network="ICOS", days=900
)
CHANGES = pd.DataFrame(
    [
        {"site": site, "flux": flux, "change": change, "rmse_before": 2.0, "rmse_after": 2 + change / 50}
        for flux in FLUXES
        for site, change in zip(SITES, (-30.0, 12.0, -5.0), strict=True)
    ]
)
LABELS = {"ours": "Ours", "theirs": "Theirs"}
LAT, LON = np.arange(-85.0, 90, 10), np.arange(-175.0, 180, 10)
FIELD = xr.DataArray(RNG.normal(0, 2, (LAT.size, LON.size)), {"lat": LAT, "lon": LON}, ("lat", "lon"))
CLASSES = pd.DataFrame(
    {
        "class": ["ENF", "GRA"],
        "model": "tamrl",
        "shots": 30,
        "towers": [9, 4],
        "value": [1.0, 2.0],
        "change": [-12.0, 3.0],
        "change_low": [-20.0, -1.0],
        "change_high": [-5.0, 9.0],
    }
)


def _summary() -> pd.DataFrame:
    rows = [("GPP", "tamrl", shots, value, value - 0.1, value + 0.2, 9) for shots, value in ((0, 2.0), (30, 1.7))]
    rows += [("GPP", name, 0, 2.3, 2.2, 2.5, 9) for name in ("xgboost", "lightgbm", "random-forest", "climatology")]
    return pd.DataFrame(rows, columns=["flux", "model", "shots", "value", "low", "high", "towers"])


def _cycles_of_groups() -> pd.DataFrame:
    parts = [
        pd.DataFrame({"model": model, "shots": shots, "month": MONTH, "mean": MONTH + 1.0, "sd": 1.0, "towers": 5})
        for model, shots in (("observed", 0), ("tamrl", 0), ("tamrl", 30), ("xgboost", 0))
    ]
    return pd.concat(parts)


def _known_months() -> pd.DataFrame:
    table = pd.DataFrame(index=MONTH)
    for flux in FLUXES:
        for when, value in (("before", 2.0), ("after", 3.0)):
            table[f"{flux}_{when}"], table[f"{flux}_{when}_spread"] = value, 0.4
        table[f"{flux}_known"], table[f"{flux}_from"] = np.nan, ""
    table.loc[7, [f"{flux}_known" for flux in FLUXES]] = [3.3, 2.2, -1.1]
    table.loc[7, [f"{flux}_from" for flux in FLUXES]] = [GIVEN, BALANCE, GIVEN]
    return table


def _shares() -> pd.DataFrame:
    table = pd.DataFrame({"shots": [0, 30], "coverage50": [0.48, 0.5], "coverage90": [0.85, 0.91]})
    for name in ("coverage50", "coverage90"):
        table[f"{name}_low"], table[f"{name}_high"] = table[name] - 0.1, table[name] + 0.05
    return table


def _answers() -> pd.DataFrame:
    columns = {"student": [1, 2, 3], "lesson": "days", "question": "weeks", "answer": ["a", "b", "b"]}
    correct = pd.array([True, False, pd.NA], dtype="boolean")
    return pd.DataFrame(columns).assign(correct=correct, value=[1.23456789, 2.0, 3.0], tries=[1, 1, 2])


def _steps_of_a_way() -> pd.DataFrame:
    columns = {"label": ["zero-shot", "7 days", "30 days"], "count": [0, 7, 30], "far": [0.0, 0.4, 0.7]}
    return pd.DataFrame(columns).assign(x=[0.0, 0.5, 0.9], y=[0.0, 0.2, 0.5])


def _steps_to_the_sink() -> pd.DataFrame:
    names = ["label", "kind", "value", "start", "end", "plus_minus", "years", "citation"]
    rows = [
        ("Our maps: NEE", "ours", -20.0, 0.0, -20.0, np.nan, "", ""),
        ("Fires", "published", 2.0, -20.0, -18.0, 0.4, "2010s", "Someone et al. 2020"),
        ("What is left", "remainder", 15.0, -18.0, -3.0, np.nan, "", ""),
        ("Net land sink", "total", -3.0, 0.0, -3.0, 0.6, "2010s", "Someone et al. 2020"),
    ]
    return pd.DataFrame(rows, columns=names)


def _regions() -> tuple[np.ndarray, dict[int, str]]:
    codes = np.kron([[1, 2], [0, 2]], np.ones((9, 18), int))
    return codes, {1: "Europe", 2: "Asia"}


def _year() -> pd.DataFrame:
    return TOWER.sel(time="2004").to_dataframe()[[*FLUXES, "NEE_QC"]]


def _axes() -> tuple[str, str]:
    return "Principal component 1 (40 % of the variance)", "Principal component 2 (20 % of the variance)"


def _embedded() -> pd.DataFrame:
    said = ["LAI: 1.23", "LAI: 2.00", "not known"]
    return PLACES.assign(
        x=[0.0, 1.0, 2.0], y=[0.0, 1.5, 1.0], trained=[True, True, False], value=[1.2, 2, np.nan], said=said
    )


def _looks(theme: Theme) -> dict[str, charts.MapsLook]:
    return charts.looks(LABELS, theme, "ours")


def _of_maps(values: str) -> dict[str, pd.DataFrame]:
    lat = pd.Index([-45.0, 15.0, 45.0], name="lat")
    table = pd.DataFrame({"value": [1.0, 5.0, 2.0], "sd": 0.5, "total": [0.1, 0.4, 0.2]}, lat)
    if values == "month":
        table = pd.DataFrame({"value": np.arange(12.0), "sd": 0.5}, MONTH)
    return {"theirs": table.drop(columns="sd"), "ours": table}


def _means(flux: str) -> np.ndarray:
    return TOWER[flux].values


def _hovmoeller(theme: Theme) -> Any:
    table = xr.DataArray(RNG.normal(1, 2, (12, LAT.size)), {"month": MONTH, "lat": LAT}, ("month", "lat"), "NEE")
    return charts.hovmoeller(table, "NEE", (-3, 3), "Ours", theme)


def _months_at_towers(theme: Theme) -> Any:
    time = pd.date_range("2003-01-01", periods=3, freq="MS")
    table = pd.DataFrame({"site": SITES, "time": time, "observed": [1.0, 2.0, 3.0], "product": [1.5, 1.8, 3.3]})
    return at_towers.at_towers(table, dict(PLACES["igbp"]), "Ours", "GPP", theme)


def _pair() -> xr.Dataset:
    return density(FIELD, FIELD + 0.5, cell_area(LAT, LON))


def _totals(theme: Theme) -> Any:
    ours = {f: pd.DataFrame({"mean": [134.0, 120.0], "sd": [2.0, np.nan]}, index=list(LABELS)) for f in FLUXES}
    return totals.totals(ours, read_published(), _looks(theme), theme)


def _regional(theme: Theme) -> Any:
    table = pd.DataFrame({"ours": [1.0, 2.0], "theirs": [3.0, 4.0]}, index=["Europe", "Asia"])
    return totals.regional(table, _looks(theme), "GPP", theme)


def _drivers_of_a_cell(theme: Theme) -> Any:
    names = ("TA", "P_MON", "SW_IN_POT")
    return cell.drivers(xr.Dataset({n: ("month", np.arange(12.0)) for n in names}, {"month": MONTH}), theme)


def _start(theme: Theme) -> Any:
    scale = Scale(colours=("#000000", "#ffffff"), low=0.0, high=9.0, label="GPP, July", unit=FLUX_UNIT)
    return start_map.world("data:image/png;base64,", [-180.0, -90.0, 180.0, 90.0], scale, PLACES, outlines(), theme)


def _score_map(theme: Theme) -> Any:
    table = TOWERS.assign(value=[1.234, 2.0, 1.5])
    scale = score_maps.scale(table["value"].to_numpy(), RMSE, False)
    return score_maps.score_map(table, "value", "RMSE: {} gC m⁻² d⁻¹", scale, "XX-One", theme)


def _siting(theme: Theme) -> Any:
    places = PLACES.assign(temperature=[1.0, 20, 9], rain=[700.0, 300, 900])
    return siting.climates(places, np.array([1.0, 2, 3]), 4.0, ["XX-One"], ["XX-Two"], theme)


def _against(theme: Theme) -> Any:
    table = pd.DataFrame({"index": [0.4, 0.5], "r2": [0.2, 0.7], "towers": [3, 9]}, index=["Europe", "Asia"])
    return trust.against(table, "r2", "Median R² of daily GPP at held-out towers", ["Asia"], theme)


def _interval(theme: Theme) -> Any:
    made = _year()[["GPP"]].assign(GPP_low=1.0, GPP_high=9.0)
    return trust.interval(made.assign(GPP_observed=made["GPP"]), "GPP", theme)


def _seasons(theme: Theme) -> Any:
    # Those of lesson 3; the other line, of lesson 2, never stands beside them.
    lines = [name for name in seasons.LINES if name != "predicted"]
    table = pd.DataFrame({name: [1.0, 2.0] for name in lines}, index=[5, 15])
    return seasons.seasons(table, "GPP", theme)


def _strip(theme: Theme) -> Any:
    scores = PLACES.assign(r2=[-60.0, 0.5, 0.9])
    return seasons.strip(scores, {"XX-Two": "XX-Two"}, -2.0, theme)


def _by_support(theme: Theme) -> Any:
    rows = [("zero-shot", 0, 2.0), *((f"method {i}", days, 1.5) for i in range(3) for days in (7, 30))]
    table = pd.DataFrame(rows, columns=["method", "days", "rmse"]).assign(flux="GPP")
    return runs.by_support(table, "GPP", TimeStep.DAILY, theme)


def _cumulative(theme: Theme) -> Any:
    columns = pd.MultiIndex.from_tuples([("tamrl", 30), ("xgboost", 0)])
    return models.cumulative(pd.DataFrame([[3.0, 4.0], [1.0, 2.0]], columns=columns), "GPP", RMSE, theme)


def _contest(theme: Theme) -> Any:
    table = pd.DataFrame({"label": ["XGBoost"], "win": [6], "tie": [1], "loss": [3], "towers": [10], "p": [0.0004]})
    return models.contest(table, "NEE", theme)


def _taylor(theme: Theme) -> Any:
    points = pd.DataFrame({"model": ["tamrl"], "shots": [30], "correlation": [0.5], "deviation": [0.8]})
    return patterns.taylor(points, "GPP", theme)


def _score_density(theme: Theme) -> Any:
    rows = pd.DataFrame({"observed": [0.0, 2.0], "predicted": [0.5, 2.0], "days": [1000, 1]}, dtype=float)
    return patterns.density(rows, "GPP", theme)


def _class_coverage(theme: Theme) -> Any:
    table = _shares().assign(**{"class": ["ENF", "GRA"], "towers": [5, 3]})
    return checks.class_coverage(table, "NEE", {}, theme)


def _spread_skill(theme: Theme) -> Any:
    table = pd.DataFrame({"class": ["ENF"], "spread": [1.0], "rmse": [1.5], "towers": [4]})
    return checks.spread_skill(table, "GPP", {"ENF": "Forest"}, theme)


def _ablations(theme: Theme) -> Any:
    table = CLASSES.assign(model=["no modulation", "five members"])
    return checks.ablations(table, "GPP", RMSE, "tamrl-1", theme)


def _published(theme: Theme) -> Any:
    table = pd.DataFrame({"whose": ["theirs", "ours"], "rmse": [1.57, 1.5]})
    return checks.published(table.assign(split="IGBP", model="tamrl", flux="GPP"), "rmse", theme)


CASES: dict[str, Callable[[Theme], Any]] = {
    "lab.adaptation.comparison": lambda t: adaptation.comparison(TOWER, BEFORE, AFTER, SUPPORT, t),
    "lab.adaptation.scatter": lambda t: adaptation.scatter(TOWER, 0.7 * _means("GPP"), _means("GPP"), SCORED, "GPP", t),
    "lab.adaptation.season": lambda t: adaptation.season(
        adaptation.season_table(TOWER, BEFORE, AFTER, SCORED, "GPP"), "GPP", t
    ),
    "lab.by_month.by_month": lambda t: by_month.by_month(
        by_month.by_month_table(TOWER, BEFORE, AFTER, SCORED, "GPP"), "GPP", t
    ),
    "lab.diagnostics.loss_figure": lambda t: diagnostics.loss_figure(HISTORY, t),
    "lab.diagnostics.spread": lambda t: diagnostics.spread(BEFORE, AFTER, t),
    "lab.diagnostics.balance": lambda t: diagnostics.balance(TOWER, AFTER, t),
    "lab.network.distribution": lambda t: network.distribution(CHANGES, "XX-One", t),
    "lab.network.change_map": lambda t: network.change_map(
        CHANGES, PLACES[["lat", "lon", "igbp", "koeppen"]], "GPP", t
    ),
    "lab.runs.overlay": lambda t: runs.overlay(
        TOWER, BEFORE.mean("member"), {f"run {i}": AFTER.mean("member") for i in range(6)}, SUPPORT, "GPP", t
    ),
    "lab.runs.by_support": _by_support,
    "lessons.classroom.progress": lambda t: classroom.progress(_answers(), {("days", "weeks"): "4 · Weeks"}, t),
    "lessons.classroom.answers": lambda t: classroom.answers(_answers(), t),
    "lessons.classroom.values": lambda t: classroom.values(_answers(), "Value of the answer", {"median": 1.5}, t),
    "lessons.labels.calendar": lambda t: labels.calendar(_year()["GPP"], "GPP", [pd.Timestamp("2004-06-01")], t),
    "lessons.labels.curve": lambda t: labels.curve(
        Benchmark(5.0, np.linspace(4, 1, 12), 0.9), np.array([4.0, 3.0, 2.5, 2.2]), "GPP", t
    ),
    "lessons.measured.balance": lambda t: measured.balance(_year().iloc[9], 4.0, t),
    "lessons.measured.year": lambda t: measured.year(_year(), 0.7, pd.Timestamp("2004-06-01"), t),
    "lessons.seasons.seasons": _seasons,
    "lessons.seasons.strip": _strip,
    "lessons.siting.climates": _siting,
    "lessons.siting.among": lambda t: siting.among(np.linspace(1, 2, 20), {"yours": 1.5}, t),
    "lessons.trust.marked": lambda t: trust.marked(*_regions(), ["Asia"], LAT, LON, PLACES, t),
    "lessons.trust.index": lambda t: trust.index(FIELD.values, 0.7, LAT, LON, PLACES, t),
    "lessons.trust.against": _against,
    "lessons.trust.interval": _interval,
    "scorecard.checks.coverage": lambda t: checks.coverage(_shares(), "GPP", t),
    "scorecard.checks.class_coverage": _class_coverage,
    "scorecard.checks.spread_skill": _spread_skill,
    "scorecard.checks.ablations": _ablations,
    "scorecard.checks.published": _published,
    "scorecard.map.score_map": _score_map,
    "scorecard.models.learning_curve": lambda t: models.learning_curve(_summary(), "GPP", RMSE, t),
    "scorecard.models.classes": lambda t: models.classes(CLASSES, "GPP", RMSE, "XGBoost", {}, t),
    "scorecard.models.cumulative": _cumulative,
    "scorecard.models.contest": _contest,
    "scorecard.patterns.taylor": _taylor,
    "scorecard.patterns.density": _score_density,
    "scorecard.patterns.season": lambda t: patterns.season(
        _cycles_of_groups(), "GPP", [("tamrl", 30), ("tamrl", 0), ("xgboost", 0)], t
    ),
    "start.map.world": _start,
    "task_space.decoded.cycles": lambda t: decoded.cycles(
        RNG.normal(0, 1, (12, 2)), RNG.normal(0, 1, (3, 12, 2)), ["Air temperature [°C]", "Leaf area index [m² m⁻²]"], t
    ),
    "task_space.modulation.heat_map": lambda t: modulation.heat_map(
        {name: RNG.normal(0, 1, (3, 5)) for name in modulation.PARTS}, SITES, t
    ),
    "task_space.space.scatter": lambda t: space.scatter(
        _embedded(), _axes(), "trait", "Leaf area index, mean [m² m⁻²]", "XX-One", ["XX-Two"], t
    ),
    "task_space.space.way_picture": lambda t: space.way_picture(_embedded(), _steps_of_a_way(), _axes(), t),
    "task_space.space.way_distance": lambda t: space.way_distance(_steps_of_a_way(), "Labelled days", 1.2, t),
    "towers.coverage.coverage": lambda t: coverage.coverage(TOWER, t),
    "towers.fingerprint.fingerprint": lambda t: fingerprint.fingerprint(TOWER, "NEE", t),
    "towers.map.tower_map": lambda t: tower_maps.tower_map(TOWERS, "XX-One", t),
    "towers.map.point_map": lambda t: tower_maps.point_map(
        tower_maps.tower_records(TOWERS), "XX-One", t, tower_maps.TOOLTIP
    ),
    "towers.series.tower_series": lambda t: series.tower_series(TOWER, ["TA", "LAI"], t),
    "towers.series.support_chart": lambda t: series.support_chart(TOWER, SUPPORT, "GPP", t),
    "world.at_towers.at_towers": _months_at_towers,
    "world.cell.cycles": lambda t: cell.cycles(_of_maps("month"), _looks(t), "GPP", t),
    "world.cell.drivers": _drivers_of_a_cell,
    "world.cell.known": lambda t: cell.known(_known_months(), t),
    "world.charts.zonal": lambda t: charts.zonal(
        _of_maps("lat"), _looks(t), "value", f"Mean GPP of the land [{charts.UNIT}]", t
    ),
    "world.charts.hovmoeller": _hovmoeller,
    "world.compare.density": lambda t: compare.density(_pair(), *_looks(t).values(), "GPP", t),
    "world.compare.histograms": lambda t: compare.histograms(_pair(), *_looks(t).values(), "GPP", t),
    "world.land_sink.waterfall": lambda t: land_sink.waterfall(_steps_to_the_sink(), t),
    "world.land_sink.where": lambda t: land_sink.where(FIELD, "Ours", "NEE", t),
    "world.totals.totals": _totals,
    "world.totals.regional": _regional,
}
