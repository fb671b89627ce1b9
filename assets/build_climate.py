"""Build assets/models/fluxnet2015-climate and assets/maps: the monthly model and the bundled global maps.

    python -m tamrl ingest FLUXNET2015 --workspace W
    python -m tamrl aggregate --workspace W --out M
    python assets/build_climate.py --workspace M --out B

B is a folder to work in. Everything that takes long is kept there and not done again: the benchmark (B/bench), the
towers with predicted phenology where the settings name LAI or EVI (B/towers, see assets/build_phenology.py), the
ensemble (B/model). Run the same command again to go on. Members are trained on all towers of the workspace; the scores
of the card are those of the benchmark, whose models, of phenology as well, had not seen the towers. With --scores or
--model a benchmark or an ensemble that is there already is taken. The baselines are upscaled with the same
drivers: five models each, every one trained without another fifth of the towers, of which mean and spread are kept.
"""

import argparse
import shutil
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pandas as pd
import xarray as xr
import yaml

ROOT = Path(__file__).resolve().parent.parent
sys.path[:0] = [str(ROOT), str(ROOT / "assets")]
NAME, CONFIG, MAPS = "fluxnet2015-climate", ROOT / "assets" / "climate.yaml", ROOT / "assets" / "maps"
FLUXES = ("GPP", "RECO", "NEE")
#: Drivers that a model of phenology gives where the Earth has no satellite series.
PREDICTED = ("LAI", "EVI")
MODELS = "tamrl,xgboost,random-forest,climatology"
#: Steps that the bundled maps are packed in, gC m-2 d-1 and 1: far below the spread of the models.
PACKED = {"flux": 0.05, "sd": 0.05, "extrapolation": 0.01, "code": 0.05}
#: Shares of a class below this are left out of the tree models' tiles.
LEAST_TILE = 0.02

CARD = """# {name}

Monthly TAM-RL, {members} members, trained on {towers} FLUXNET2015 towers ({first}–{last}) with drivers that the bundled
small Earth has: {drivers}. It predicts monthly GPP, RECO
and NEE = RECO - GPP in gC m-2 d-1 and made the global maps in `assets/maps/`. {steps} steps a member, seed {seed};
tamrl {version}; made by `python assets/build_climate.py`. Weights in 16 bits: that moves a monthly flux at ten of the
towers by at most {change:.3f} gC m-2 d-1.

## Data and licence

Trained on FLUXNET2015 (Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3; CC-BY-4.0), with monthly precipitation as
collected by Nathaniel et al. 2023 (doi:10.1038/s41597-023-02349-y; MIT) and NDVI and C4 share at each tower from the
small Earth (sources and licences in `assets/PROVENANCE.md`).{phenology}
No observation is in this folder. The weights are under CC-BY-4.0: name FLUXNET2015 and this project. Method: Rozanov,
Renganathan and Kumar 2026, arXiv:2603.09974.

## Scores

Months at towers that the scored models had not seen ({folds} folds by tower, {scored_members} members, {made}),
medians over towers; XGBoost and the random forest have the same drivers, classes, towers and months:

{scores}

## Intended use and limits

For the mean seasonal cycle of ecosystems at half a degree, for teaching and for comparing products. The maps follow a
mean climate: they know no single year, no rising CO2, no disturbance. The global sink is far too large, see below.

{totals}

{why}

## Training towers

{sites}
"""
PHENOLOGY = """ LAI and EVI are predicted from climate, NDVI range, maximum fAPAR and
class by models (tamrl.maps.phenology) that learnt the MODIS series of other towers, here as on the Earth."""
WHY = """Where towers stand is not where the land is: they stand in growing, undisturbed ecosystems, a mean NEE of
{tower:.2f} gC m-2 d-1 over the towers (median {median:.2f}), and what leaves a place by fire, harvest and rivers is not
in their NEE. Any model that predicts the mean of the towers therefore has a sink of this size; weighting towers by the
land they stand for, other losses and leaving out groups of towers moved it by a few PgC yr-1 (docs/decisions)."""


def run(*words: object) -> None:
    """Run one of the project's own commands."""
    subprocess.run([sys.executable, "-m", "tamrl", *map(str, words)], check=True, cwd=ROOT)


def benchmark(workspace: Path, out: Path, config: Path, phenology: bool) -> Path:
    """Score the models on held-out towers, or go on with it; return the folder of results."""
    run(
        "bench",
        "accuracy",
        "--workspace",
        workspace,
        "--out",
        out,
        "--designs",
        "igbp",
        "--ablations",
        "none",
        "--models",
        MODELS,
        "--config",
        config,
        *(["--phenology"] if phenology else []),
    )
    return out / "results"


def train(workspace: Path, out: Path, config: Path, members: int) -> None:
    """Train the ensemble, or go on with it."""
    from tamrl.model.checkpoint import is_checkpoint
    from tamrl.training.ensemble import STATE

    begun = (out / STATE / "run.yaml").exists()
    if begun or not is_checkpoint(out):
        more = ["--resume"] if begun else []
        run(
            "train",
            "--workspace",
            workspace,
            "--out",
            out,
            "--members",
            members,
            "--config",
            config,
            "--seed",
            56,
            *more,
        )


def tiles(earth: xr.Dataset, drivers: tuple[str, ...], trained: frozenset[str]) -> tuple[np.ndarray, list[tuple]]:
    """Return the land cells (C,) as flat indices with their vegetated share, and for each class a tile.

    A tile: which of the cells, their inputs (N, 12, D + A) as that class, the share (N,) of it.
    """
    from tamrl.globe.earth import flags
    from tamrl.landcover import static_inputs, vegetation
    from tamrl.schema import IGBP_CLASSES

    land = np.flatnonzero((earth["land_fraction"].values > 0) & np.isfinite(earth["TA"].values[0]))
    table = inputs_of(earth, drivers, land)
    names = flags(earth["koeppen"])
    climate = [names[int(code)] if code else "unknown" for code in earth["koeppen"].values.ravel()[land]]
    shares, vegetated = vegetation(earth["igbp_fraction"].values.reshape(earth.sizes["igbp"], -1)[:, land], trained)
    found = []
    for index, igbp in enumerate(IGBP_CLASSES):
        cells = np.flatnonzero(shares[:, index] > LEAST_TILE)
        if len(cells):
            classes = np.stack([static_inputs(igbp, climate[c]) for c in cells])
            inputs = np.concatenate([table[cells], np.repeat(classes[:, None], 12, axis=1)], axis=-1)
            found.append((cells, inputs, shares[cells, index]))
    return land, vegetated, found


def inputs_of(earth: xr.Dataset, drivers: tuple[str, ...], land: np.ndarray) -> np.ndarray:
    """Return (C, 12, D) the drivers of land cells in physical units."""
    from tamrl.globe.contract import month_starts
    from tamrl.solar import TREND_DAYS, potential_radiation
    from tamrl.timestep import TimeStep

    lat = earth["lat"].values
    now, before = (potential_radiation(lat, month_starts(), TimeStep.MONTHLY, -shift) for shift in (0, TREND_DAYS))
    computed = {"SW_IN_POT": now, "SW_IN_POT_TREND": now - before}
    columns = []
    for name in drivers:
        if name in computed:
            columns.append(computed[name][land // earth.sizes["lon"]])
        else:
            values = earth[name].values.reshape(-1, earth.sizes["lat"] * earth.sizes["lon"])[:, land].T
            columns.append(np.broadcast_to(values, (len(land), 12)))
    return np.stack(columns, axis=-1).astype(np.float32)


def tree_maps(kind: str, archive: xr.Dataset, earth: xr.Dataset, drivers: tuple[str, ...]) -> xr.Dataset:
    """Return maps (member, time, lat, lon) of a baseline: five models, each trained on four fifths of the towers."""
    from tamrl.baselines import make_baseline
    from tamrl.evaluation.benchmark.runs import towers_of
    from tamrl.globe.contract import flux_attributes, month_starts
    from tamrl.protocol.designs import make_split
    from tamrl.towers.archive import record

    towers = towers_of(archive)
    split = make_split("igbp", {site: classes[0] for site, classes in towers.items()})
    land, vegetated, found = tiles(earth, drivers, frozenset(igbp for igbp, _ in towers.values()))
    maps = np.full((len(split.folds), 3, 12, earth.sizes["lat"] * earth.sizes["lon"]), np.nan, np.float32)
    for k, fold in enumerate(split.folds):
        model = make_baseline(kind, drivers, seed=k)
        model.fit([record(archive, site) for site in towers if site not in fold])
        total, weight = np.zeros((len(land), 12, 3)), np.zeros(len(land))
        for cells, inputs, share in found:
            made = model.predict_table(inputs.reshape(-1, inputs.shape[-1])).reshape(len(cells), 12, 3)
            total[cells] += made * share[:, None, None]
            weight[cells] += share
        fluxes = total / np.maximum(weight, 1e-9)[:, None, None] * vegetated[:, None, None]
        maps[k][:, :, land] = fluxes.transpose(2, 1, 0)
    shape = (len(maps), 12, earth.sizes["lat"], earth.sizes["lon"])
    dims = ("member", "time", "lat", "lon")
    data = {f: (dims, maps[:, i].reshape(shape), flux_attributes(f)) for i, f in enumerate(FLUXES)}
    return xr.Dataset(data, {"time": month_starts(), "lat": earth["lat"], "lon": earth["lon"]})


def summarised(members: xr.Dataset) -> xr.Dataset:
    """Return the mean over members and the deviation between them."""
    from tamrl.globe.contract import SD, flux_attributes

    out = xr.Dataset(coords=members.drop_vars("member", errors="ignore").coords)
    for flux in FLUXES:
        out[flux] = members[flux].mean("member").assign_attrs(flux_attributes(flux))
        out[flux + SD] = members[flux].std("member", ddof=1).assign_attrs(flux_attributes(flux + SD))
    return out


def totals(members: xr.Dataset, earth: xr.Dataset) -> dict[str, dict[str, float]]:
    """Return the mean over members of the global total of each flux and the deviation between them, PgC yr-1."""
    from tamrl.globe.contract import land_area
    from tamrl.maps.aggregate import total
    from tamrl.maps.time_means import Period, field

    area, found = land_area(earth), {}
    for flux in FLUXES:
        each = [
            total(field(members[[flux]].isel(member=k, drop=True), flux, Period()), area)
            for k in range(members.sizes["member"])
        ]
        found[flux] = {"mean": round(float(np.mean(each)), 2), "sd": round(float(np.std(each, ddof=1)), 2)}
    return found


def pack(maps: xr.Dataset, earth: xr.Dataset, path: Path, title: str, source: str) -> None:
    """Write maps as packed NetCDF that keeps the contract of ``tamrl.globe.contract``."""
    from tamrl.globe.contract import SD, add_bounds, check_maps, to_grid
    from tamrl.system.netcdf import write_netcdf

    maps = maps.assign(land_fraction=earth["land_fraction"]).drop_vars(
        [n for n in maps.variables if str(n).endswith("_bnds")]
    )
    spread = maps.attrs.get(
        "spread", "Standard deviation between five models, each without another fifth of the towers"
    )
    maps.attrs = {
        "Conventions": "CF-1.11",
        "title": title,
        "source": source,
        "spread": spread,
        "kind": "model",
        "simulated": 0,
        "derived": maps.attrs.get("derived", ""),
        "climatology": earth.attrs["climatology"],
        "license": "CC-BY-4.0",
        "citation": "FLUXNET2015: Pastorello et al. 2020, doi:10.1038/s41597-020-0534-3; drivers: " + SHORT,
        "comment": "Per area of land; the bare, frozen and water share of a cell carries no flux. " + NOTICE,
        "history": "python assets/build_climate.py",
    }
    maps = add_bounds(to_grid(maps))
    check_maps(maps, path.name)
    steps = {n: PACKED["sd"] if n.endswith(SD) else PACKED["flux"] for f in FLUXES for n in (f, f + SD)}
    steps |= {n: PACKED[n] for n in ("extrapolation", "code")} | {"land_fraction": 0.005}
    encoding = {"time": {"units": "days since 2000-01-01", "dtype": "int32"}}
    encoding["time_bnds"] = encoding["time"]
    for name in maps.data_vars:
        if name in steps:
            packed = {"dtype": "int16", "scale_factor": steps[name], "_FillValue": np.int16(-32768)}
            # One block a map: the page reads one month.
            block = (1,) * (maps[name].ndim - 2) + maps[name].shape[-2:]
            encoding[name] = packed | {"zlib": True, "complevel": 9, "shuffle": True, "chunksizes": block}
    path.parent.mkdir(parents=True, exist_ok=True)
    write_netcdf(maps, path, encoding=encoding)


SHORT = "ERA5 climatology 2000-2025 (Hersbach et al. 2020, doi:10.1002/qj.3803), MODIS land cover and NDVI"
NOTICE = "Contains modified Copernicus Climate Change Service information 2025."


def card(ensemble, archive, scores: Path, change: float, sums: dict) -> str:  # noqa: ANN001 - imported late
    """Return the model card."""
    import tamrl
    from tamrl.evaluation.benchmark.report import standings
    from tamrl.protocol.designs import load_split
    from tamrl.towers.quality import flux_table, valid_days

    table = pd.read_parquet(scores / "scores.parquet")
    table = table[(table["scale"].astype(str) == "daily") & (table["shots"] == 0)]
    about = yaml.safe_load((scores / "manifest.yaml").read_text(encoding="utf-8"))
    sites, time = ensemble.training_sites, pd.DatetimeIndex(archive.time.values)
    means = []
    for site in sites:
        tower = archive.sel(site=site)
        means.append(np.nanmean(flux_table(tower)[valid_days(tower), 2]))
    rows = [
        f"| {name} | " + " | ".join(f"{v[f]['mean']:.1f} ± {v[f]['sd']:.1f}" for f in FLUXES) + " |"
        for name, v in sums.items()
    ]
    head = "Global totals of the maps, PgC yr-1, mean and standard deviation of five members:\n\n"
    head += "| maps | GPP | RECO | NEE |\n|---|---|---|---|\n"
    return CARD.format(
        name=NAME,
        members=len(ensemble.members),
        towers=len(sites),
        first=time[0].year,
        last=time[-1].year,
        version=tamrl.__version__,
        drivers=", ".join(ensemble.config.model.drivers),
        scores=standings(table),
        sites=", ".join(sites),
        folds=len(load_split(scores / "splits" / "igbp.yaml").folds),
        change=change,
        scored_members=about["members"],
        made=str(about["created"])[:10],
        steps=ensemble.config.train.steps,
        seed=ensemble.info["seed"],
        totals=head + "\n".join(rows),
        phenology=PHENOLOGY * bool({*PREDICTED} & {*ensemble.config.model.drivers}),
        why=WHY.format(tower=float(np.nanmean(means)), median=float(np.nanmedian(means))),
    )


def write_maps(checkpoint: Path, archive: xr.Dataset, drivers: tuple[str, ...], folder: Path) -> dict:
    """Write the maps of the model and of the baselines, and their totals; return the totals."""
    from tamrl.globe.earth import load_earth
    from tamrl.model.training_towers import load_reference
    from tamrl.upscale.regions import MEMBERS
    from tamrl.upscale.request import UpscaleRequest
    from tamrl.upscale.run import upscale

    earth, sums, trained = load_earth(), {}, load_reference(checkpoint).sites
    towers = f"the {len(trained)} of {archive.sizes['site']} FLUXNET2015 towers with half a year of good months"
    upscale(
        UpscaleRequest(
            checkpoint=checkpoint, files=("earth",), out=folder / "maps.zarr", scheduler="threads", members=True
        )
    )
    titles = {
        "tamrl-climate": "TAM-RL, monthly climate",
        "xgboost-climate": "XGBoost, FLUXCOM-style upscaling (ours)",
        "random-forest-climate": "Random forest, FLUXCOM-style upscaling (ours)",
    }
    for name, title in titles.items():
        kind = name.removesuffix("-climate")
        if kind == "tamrl":
            maps = xr.open_zarr(folder / "maps.zarr", chunks=None).load()
            members = maps[[f + MEMBERS for f in FLUXES]].rename({f + MEMBERS: f for f in FLUXES})
            maps = maps.drop_vars([f + MEMBERS for f in FLUXES] + ["member"])
        else:
            members = tree_maps(kind, archive, earth, drivers)
            maps = summarised(members)
        sums[name] = totals(members, earth)
        source = f"tamrl: {title}, trained on {towers}, with drivers at 0.5 degrees"
        pack(maps, earth, MAPS / f"{name}.nc", title, source)
        sys.stdout.write(f"{name}: {sums[name]}, {(MAPS / f'{name}.nc').stat().st_size / 1e6:.1f} MB\n")
    text = "# Global totals of the bundled maps, PgC yr-1: mean and standard deviation of five members each.\n"
    (MAPS / "totals.yaml").write_text(text + yaml.safe_dump(sums, sort_keys=False), encoding="utf-8")
    return sums


def main() -> None:
    """Score, train, round, check, upscale, write."""
    import build_phenology
    from build_model import TOLERANCE, largest_change

    from tamrl.config import load_config
    from tamrl.model.checkpoint import load_ensemble, save_half
    from tamrl.model.training_towers import save_reference
    from tamrl.system.device import one_thread
    from tamrl.system.storage import locked, swap_in
    from tamrl.towers.workspace import Workspace
    from tamrl.training.training_towers import fit_reference

    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--workspace", type=Path, required=True, help="monthly")
    parser.add_argument("--out", type=Path, required=True, help="folder to work in; what is done there is kept")
    parser.add_argument("--scores", type=Path, help="results folder of tamrl bench accuracy; made where not given")
    parser.add_argument("--model", type=Path, help="an ensemble trained on all towers; trained where not given")
    parser.add_argument("--config", type=Path, default=CONFIG, help="settings; with LAI or EVI these are predicted")
    parser.add_argument("--members", type=int, default=5)
    args = parser.parse_args()
    one_thread()
    # The project's own commands run in its folder.
    args.config, args.out = args.config.resolve(), args.out.resolve()
    target, workspace = ROOT / "assets" / "models" / NAME, args.workspace.resolve()
    phenology = bool({*PREDICTED} & {*load_config(args.config).model.drivers})
    scores = args.scores or benchmark(workspace, args.out / "bench", args.config, phenology)
    if phenology:
        build_phenology.predicted(workspace, args.out / "towers")
        build_phenology.add_cycle(workspace, args.out / "towers")
        workspace = args.out / "towers"
    model = args.model or args.out / "model"
    if not args.model:
        train(workspace, model, args.config, args.members)
    with tempfile.TemporaryDirectory() as temporary:
        folder = Path(temporary)
        archive = Workspace.open(workspace).archive().load()
        whole, made = load_ensemble(model), folder / NAME
        save_half(whole, made)
        save_reference(fit_reference(load_ensemble(made), archive), made)
        change = largest_change(whole, load_ensemble(made), archive)
        if change > TOLERANCE:
            raise SystemExit(f"16-bit weights move a monthly flux by {change:.3f} gC m-2 d-1: too much")
        sums = write_maps(made, archive, whole.config.model.drivers, folder)
        (made / "README.md").write_text(card(whole, archive, scores, change, sums), encoding="utf-8")
        with locked(target):
            swap_in(target, lambda new: shutil.copytree(made, new))


if __name__ == "__main__":
    main()
