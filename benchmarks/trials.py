"""What is killed: each trial knows how to begin, what must hold after a kill, and how to go on."""

import importlib
import shutil
import socket
import sys
import time
import urllib.request
from collections.abc import Callable
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import yaml

from benchmarks.killing import Run, difference, digest, program, start, tamrl
from tamrl.towers.workspace import Workspace, bundled

ROOT = Path(__file__).resolve().parents[1]
TOWERS = 5
CONFIG = {
    "model": {"code": 2, "embed": 4, "hidden": 4, "encoder_hidden": 2},
    "train": {"steps": 30, "validate_every": 5, "batch": 4},
}


@dataclass
class Place:
    """Where one attempt works: ``there`` is copied from what all begin with, ``log`` takes what is printed."""

    there: Path
    log: Path


@dataclass
class Trial:
    """One kind of process that is killed.

    Attributes:
        name: of the row of the table.
        begin: starts it in a place.
        resume: starts what a user does afterwards, which must end well.
        sound: says what is wrong with what a reader finds after the kill; empty where nothing is.
        result: what is compared byte by byte, a folder below the place.
        worker: kill a process below it and not the group.
        ignore: names of files that hold the time of the run.
    """

    name: str
    begin: Callable[[Place], Run]
    resume: Callable[[Place], Run]
    sound: Callable[[Place], str]
    result: str
    worker: bool = False
    ignore: tuple[str, ...] = field(default=())


def prepare(base: Path) -> None:
    """Make what the trials begin with: tower files, a workspace, a tiny model, drivers, maps to import."""
    sys.path.insert(0, str(ROOT / "tests" / "helpers"))
    import map_files
    import tower_files

    from tamrl.evaluation.benchmark.synthetic_drivers import weather

    for number in range(3):
        for kind, days in (("first", 300), ("second", 500)):
            tower_files.write_dd(base / kind / tower_files.name(f"XX-T{number}{number}"), days=days)
    demo = bundled("demo")
    shutil.copytree(demo.path, base / "workspace", ignore=shutil.ignore_patterns("*.lock"))
    sites = [str(site) for site in demo.archive()["site"].values]
    (base / "exclude.txt").write_text("\n".join(sites[TOWERS:]) + "\n")
    (base / "config.yaml").write_text(yaml.safe_dump(CONFIG))
    import pandas as pd
    import xarray as xr

    lat, lon, time_ = np.arange(-60.0, 68, 8), np.arange(-120.0, 136, 8), pd.date_range("2001-01-01", periods=400)
    units = {"TA": "K", "SW_IN": "W m-2", "VPD": "hPa"}
    fields = {n: (("time", "lat", "lon"), v, {"units": units[n]}) for n, v in weather(lat, lon, time_).items()}
    ds = xr.Dataset(fields, {"time": time_, "lat": lat, "lon": lon}, {"title": "SIMULATED drivers", "simulated": 1})
    ds.to_netcdf(base / "drivers.nc")
    (base / "site.txt").write_text(_site(base / "workspace"))
    map_files.write(base / "product.nc", step=2.0, title="Imported one", kind="product", years=4)


def _site(space: Path) -> str:
    """Return a tower and a month of it, for ``adapt``."""
    from tamrl.towers.archive import record
    from tamrl.towers.quality import valid_days

    archive = Workspace.open(space).archive()
    site = str(archive["site"].values[0])
    tower = record(archive, site)
    days = tower.time.values[valid_days(tower)]
    return f"{site} {str(days[100])[:10]}:{str(days[130])[:10]}"


def of(base: Path) -> list[Trial]:
    """Return the trials on what ``prepare`` made."""

    def command(*arguments: object) -> Callable[[Place], Run]:
        return lambda place: start(
            tamrl(*[a.format(there=place.there) if isinstance(a, str) else a for a in arguments]), place.log
        )

    train, up = train_arguments(base, "{there}/model"), upscale_arguments(base, "{there}/m.zarr")
    adapt = adapt_arguments(base, "{there}/out/a.nc")
    again = command("ingest", base / "second", "--workspace", "{there}")
    return [
        Trial("ingest into an archive", again, again, _archive_sound, "."),
        Trial("adapt", command(*adapt), command(*adapt), _netcdf_sound, "out"),
        Trial("upscale", command(*up, "threads"), _resumed(command, (*up, "threads")), _maps_sound, "."),
        Trial("build of the bundled workspace", _build, _build, _bundle_sound, "demo"),
        Trial("server, while a product is imported", _serve(base), _serve_to_the_end(base), _imports_sound, "maps"),
        Trial("train", command(*train), _resumed(command, train), _model_sound, "."),
        Trial("train, a worker alone", command(*train), _resumed(command, train), _model_sound, ".", True),
        Trial(
            "upscale, a worker alone", command(*up, "local"), _resumed(command, (*up, "local")), _maps_sound, ".", True
        ),
    ]


def train_arguments(base: Path, out: Path | str) -> tuple:
    """Return a command that trains a tiny ensemble."""
    return (
        "train",
        "--workspace",
        base / "workspace",
        "--out",
        out,
        "--config",
        base / "config.yaml",
        "--exclude-sites",
        base / "exclude.txt",
        "--members",
        2,
        "--workers",
        2,
        "--device",
        "cpu",
    )


def upscale_arguments(base: Path, out: Path | str, model: Path | None = None) -> tuple:
    """Return a command that upscales in several regions; the scheduler is to be added."""
    return (
        "upscale",
        "--checkpoint",
        model or base / "workspace" / "models" / "demo",
        "--drivers",
        base / "drivers.nc",
        "--out",
        out,
        "--memory",
        "30MB",
        "--workers",
        2,
        "--scheduler",
    )


def adapt_arguments(base: Path, out: Path | str, space: Path | None = None, model: Path | None = None) -> tuple:
    """Return a command that adapts to one tower."""
    site, support = (base / "site.txt").read_text().split()
    return (
        "adapt",
        "--workspace",
        space or base / "workspace",
        "--checkpoint",
        model or base / "workspace" / "models" / "demo",
        "--site",
        site,
        "--support",
        support,
        "--method",
        "modulation",
        "--steps",
        10,
        "--out",
        out,
    )


def preload() -> None:
    """Import what the commands import, so that a forked process has it."""
    import dask.array
    import distributed
    import netCDF4
    import torch
    import torch._dynamo
    import zarr

    from tamrl.cli.main import COMMANDS

    for module in (where.split(":")[0] for where, _ in COMMANDS.values()):
        importlib.import_module(module)
    for module in ("ensemble", "predict", "adapt", "results", "data.ingest", "data.products", "upscale.run", "atlas"):
        importlib.import_module(f"tamrl.{module}")
    assert all((dask.array, distributed, netCDF4, torch, zarr))


def _resumed(command: Callable, arguments: tuple) -> Callable[[Place], Run]:
    """Return what a user does after a kill: --resume, which may say that nothing is to be resumed or all is done."""

    def go(place: Place) -> Run:
        run = command(*arguments, "--resume")(place)
        run.wait()
        said = run.said()
        if run.code == 0 or "it is complete" in said.lower():
            return run if run.code == 0 else start(lambda: 0, place.log)
        if "no run" not in said.lower():
            return run
        place.log.write_text("")
        return command(*arguments)(place)

    return go


# What a reader finds -----------------------------------------------------------


def _archive_sound(place: Place) -> str:
    from tamrl.towers.archive import load_archive

    found = load_archive(place.there / "archive.zarr").load()
    days = {int(found["GPP"].sel(site=site).notnull().sum()) for site in found.site.values}
    if found.sizes["site"] != 3 or days not in ({300}, {500}):
        return f"half an archive: {found.sizes['site']} towers of {days} days"
    Workspace.open(place.there).provenance()
    return ""


def _model_sound(place: Place) -> str:
    from tamrl.model.checkpoint import is_checkpoint, load_ensemble

    if is_checkpoint(place.there / "model"):
        ensemble = load_ensemble(place.there / "model")
        for member in ensemble.members:
            if not all(bool(value.isfinite().all()) for value in member.model.state_dict().values()):
                return "weights that are no numbers"
    return ""


def _maps_sound(place: Place) -> str:
    out = place.there / "m.zarr"
    if out.exists():
        from tamrl.maps.catalog import entry, open_maps

        found = open_maps(entry(out)).load()
        if not bool(found["GPP"].notnull().any("time").any()):
            return "maps without a value"
    return ""


def _netcdf_sound(place: Place) -> str:
    for path in (place.there / "out").glob("*.nc"):
        import xarray as xr

        if len(xr.load_dataset(path, engine="netcdf4").data_vars) < 5:
            return "half a file"
    return ""


def _bundle_sound(place: Place) -> str:
    demo = place.there / "demo"
    found = demo if demo.exists() else place.there / ".demo.old"
    if not Workspace.open(found).archive().sizes["site"] or not (found / "models" / "demo").is_dir():
        return "half a workspace"
    return ""


def _imports_sound(place: Place) -> str:
    from tamrl.maps import catalog

    for path in catalog.listed([place.there / "maps"]):
        if catalog.open_maps(catalog.entry(path)).load()["GPP"].isnull().all():
            return "maps without a value"
    return ""


# A build and a server ------------------------------------------------------------


def _build(place: Place) -> Run:
    arguments = [sys.executable, ROOT / "assets" / "build_demo.py", "--archive-only", "--towers", TOWERS]
    return program([*arguments, "--out", place.there / "demo"], place.log)


def _free_port() -> int:
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        return probe.getsockname()[1]


def _serve(base: Path) -> Callable[[Place], Run]:
    def begin(place: Place) -> Run:
        return _server(base, place)[0]

    return begin


def _server(base: Path, place: Place) -> tuple[Run, int]:
    """Start a server whose only page imports a product, and open that page."""
    port = _free_port()
    arguments = [sys.executable, "-m", "streamlit", "run", ROOT / "benchmarks" / "import_page.py"]
    arguments += ["--server.headless=true", f"--server.port={port}", "--server.fileWatcherType=none", "--"]
    run = program([*arguments, base / "product.nc", place.there], place.log)
    until = time.monotonic() + 120
    while run.poll() is None and time.monotonic() < until:
        try:
            urllib.request.urlopen(f"http://127.0.0.1:{port}/_stcore/health", timeout=2).close()
            break
        except OSError:
            time.sleep(0.05)
    start(lambda: _visit(port), place.log.with_suffix(".visit"))
    return run, port


def _visit(port: int) -> int:
    """Open the page as a browser does, and stay."""
    from streamlit.proto.BackMsg_pb2 import BackMsg
    from websockets.sync.client import connect

    asked = BackMsg()
    asked.rerun_script.query_string = ""
    with connect(f"ws://127.0.0.1:{port}/_stcore/stream", origin=f"http://localhost:{port}", max_size=None) as socket_:
        socket_.send(asked.SerializeToString())
        for _ in socket_:
            pass
    return 0


def _serve_to_the_end(base: Path) -> Callable[[Place], Run]:
    """Return what a user does: start the server again, and import again where it is not there."""

    def go(place: Place) -> Run:
        run, _ = _server(base, place)
        until = time.monotonic() + 300
        while not (place.there / "done").exists() and run.poll() is None and time.monotonic() < until:
            time.sleep(0.02)
        done = (place.there / "done").exists()
        (place.there / "done").unlink(missing_ok=True)
        run.kill()
        return start(lambda: 0 if done else 1, place.log)

    return go


def compare(place: Place, trial: Trial, expected: dict[str, str]) -> str:
    """Return in words how what was made differs from what an undisturbed run made."""
    return difference(digest(place.there / trial.result, trial.ignore), expected)
