"""Speed of a GPU in adapting, training and predicting, beside the CPU of the same machine, and whether both agree."""

import platform
import subprocess
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass, replace
from datetime import UTC, datetime
from pathlib import Path
from statistics import median

import numpy as np
import torch
import xarray as xr
from torch import nn

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.landcover import STATIC_SIZE
from tamrl.model.batch_inference import CellBatch, estimate
from tamrl.model.checkpoint import Ensemble, load_ensemble
from tamrl.predict.adapt import adapt
from tamrl.predict.ensemble import member_records
from tamrl.predict.many import adapt_many
from tamrl.predict.methods import METHODS, AdaptSettings
from tamrl.protocol.support_days import support_days
from tamrl.schema import FLUXES
from tamrl.system.device import describe, one_thread
from tamrl.timestep import TimeStep
from tamrl.towers.archive import load_archive, record
from tamrl.training.member import MemberTrainer

CPU = torch.device("cpu")
#: Labelled days of an adaptation.
SUPPORT = 30
#: Method -> bar on an H100 or H200 [s], and how far a GPU may be from the CPU [gC m-2 d-1]: a fit amplifies rounding.
ADAPTING = {"modulation": (0.15, 1e-2), "all": (0.4, 5e-2), "site-effect": (0.03, 1e-4)}
#: Bar of the site effect at all towers [s], and of a training step as a multiple of the bare LSTM.
NETWORK_BAR, TRAINING_BAR = 1.0, 3.0
#: Cells are to be predicted at this share of the rate of the bare LSTM.
CELLS_BAR = 0.7
#: Sequences of a training step and their days.
BATCH, SEQUENCE = 32, 736


@dataclass(frozen=True, kw_only=True)
class Row:
    """One comparison.

    Attributes:
        what: is measured.
        device: median on the device, in ``unit``.
        cpu: on the CPU beside it.
        unit: s, or cell-days/s.
        first: the first call of the process on the device, in the same unit; None where it does not matter.
        against: median of the bare LSTM on the device; None where there is none.
        bar: what the device is to reach, in words.
        met: whether it does.
        difference: largest between device and CPU, gC m-2 d-1; None where there is nothing to compare.
        allowed: how large it may be.
    """

    what: str
    device: float
    cpu: float
    unit: str = "s"
    first: float | None = None
    against: float | None = None
    bar: str
    met: bool
    difference: float | None = None
    allowed: float = 0.0

    @property
    def equal(self) -> bool:
        """Whether device and CPU agree."""
        return self.difference is None or self.difference <= self.allowed


@dataclass(frozen=True)
class Size:
    """How much is measured: towers adapted to one by one, all towers at once, cells, their days, and repeats."""

    towers: int = 8
    network: int = 163
    cells: int = 8192
    cpu_cells: int = 64
    days: int = 730
    repeats: int = 5


def seconds(call: Callable[[], object], device: torch.device) -> float:
    """Return the wall time of a call, its work on the device included."""
    began = time.perf_counter()
    call()
    if device.type == "cuda":
        torch.cuda.synchronize(device)
    return time.perf_counter() - began


def measure(
    archive: Path, checkpoint: Path, device: torch.device, say: Callable[[str], None], size: Size | None = None
) -> list[Row]:
    """Measure everything; on a GPU some minutes.

    Args:
        archive: daily towers.
        checkpoint: of a daily model.
        device: beside the CPU; the CPU itself, to try the benchmark.
        say: told what is measured.
        size: how much.

    Raises:
        TamrlError: the model is not daily, or the archive has fewer than two towers with its drivers.
    """
    one_thread()
    size = size or Size()
    models = {place: load_ensemble(checkpoint, place) for place in (device, CPU)}
    ensemble = models[device]
    if ensemble.config.model.step != TimeStep.DAILY:
        raise TamrlError("The benchmark runs a daily model", str(checkpoint), "Choose fluxnet2015-daily")
    dataset = load_archive(archive)
    towers = list(_readable(models[CPU], dataset, size.network))
    if len(towers) < 2:
        raise TamrlError("Fewer than two towers have the drivers of the model", str(archive), "Ingest more towers")
    few = towers[:: max(1, len(towers) // size.towers)][: size.towers]
    rows = []
    for method in ADAPTING:
        say(f"Adapting to {len(few)} towers one by one: {METHODS[method].label.lower()}")
        rows.append(_adapting(models, device, few, method))
    say(f"Adapting to {len(towers)} towers at once")
    rows.append(_network(models, device, towers))
    say("Training steps")
    rows.append(_training(ensemble, few, device, size.repeats))
    say(f"Predicting {size.cells} cells")
    rows.append(_cells(models, device, size))
    return rows


def _readable(ensemble: Ensemble, dataset: xr.Dataset, most: int) -> Iterator[xr.Dataset]:
    """Yield towers that the model can read and that have labelled days."""
    for site in dataset.site.values.tolist()[:most]:
        tower = record(dataset, site)
        try:
            member_records(ensemble, tower)
        except TamrlError:
            continue
        if len(support_days(tower, SUPPORT)) == SUPPORT:
            yield tower


def _difference(one: xr.Dataset, other: xr.Dataset) -> float:
    """Return the largest difference of the ensemble means, gC m-2 d-1."""
    return max(float(abs(one[f].mean("member") - other[f].mean("member")).max()) for f in FLUXES)


def _adapting(models: dict[torch.device, Ensemble], device: torch.device, towers: list[xr.Dataset], method: str) -> Row:
    """Return how long one tower takes by one method."""
    bar, allowed = ADAPTING[method]
    settings, times = AdaptSettings(method=method), {}
    made: dict[tuple[torch.device, int], xr.Dataset] = {}
    for place in (device, CPU):

        def one(tower: xr.Dataset, place: torch.device = place) -> xr.Dataset:
            return adapt(models[place], tower, support_days(tower, SUPPORT), settings).adapted

        times[place] = [seconds(lambda: made.setdefault((place, -1), one(towers[0])), place)]  # noqa: B023
        for i, tower in enumerate(towers):
            times[place].append(seconds(lambda: made.update({(place, i): one(tower)}), place))  # noqa: B023
    return Row(
        what=f"{METHODS[method].label}, {SUPPORT} days, {len(models[CPU].members)} members",
        device=median(times[device][1:]),
        cpu=median(times[CPU][1:]),
        first=times[device][0],
        bar=f"{bar:g} s",
        met=median(times[device][1:]) <= bar,
        difference=max(_difference(made[device, i], made[CPU, i]) for i in range(len(towers))),
        allowed=allowed,
    )


def _network(models: dict[torch.device, Ensemble], device: torch.device, towers: list[xr.Dataset]) -> Row:
    """Return how long the site effect takes at all towers, one support each."""
    supports = [[support_days(tower, SUPPORT)] for tower in towers]
    made: dict[torch.device, dict[int, list[xr.Dataset]]] = {}
    times = {}
    for place in (device, CPU):
        times[place] = seconds(lambda: made.update({place: dict(adapt_many(models[place], towers, supports))}), place)  # noqa: B023
    return Row(
        what=f"Site effect at {len(towers)} towers, one support each",
        device=times[device],
        cpu=times[CPU],
        bar=f"{NETWORK_BAR:g} s",
        met=times[device] <= NETWORK_BAR,
        difference=max(_difference(made[device][i][0], made[CPU][i][0]) for i in range(len(towers))),
        allowed=1e-4,
    )


def _training(ensemble: Ensemble, towers: list[xr.Dataset], device: torch.device, repeats: int) -> Row:
    """Return how long a training step takes, and the recurrence of that shape alone."""
    member, config = ensemble.members[0], Config()
    records = [member_records(ensemble, tower)[0] for tower in towers]
    train = replace(config.train, batch=BATCH, sequence=SEQUENCE, precision="float32", validate_every=10**6)
    settings = Config(replace(config.model, drivers=ensemble.config.model.drivers), replace(train, steps=10**6))
    found = {}
    for place in (device, CPU):
        trainer = MemberTrainer(records[:-1], records[-1:], member.normaliser, settings, 0, place)
        trainer.advance()
        found[place] = median(seconds(trainer.advance, place) for _ in range(repeats if place.type != "cpu" else 2))
    forward = ensemble.members[0].model.forward_model.recurrent
    layer = nn.LSTM(forward.input_size, forward.hidden_size, batch_first=True).to(device)
    x = torch.randn(BATCH, SEQUENCE, forward.input_size, device=device, requires_grad=True)

    def bare() -> None:
        layer(x)[0].sum().backward()

    bare()
    against = median(seconds(bare, device) for _ in range(repeats))
    return Row(
        what=f"Training step, {BATCH} x {SEQUENCE} days, one member",
        device=found[device],
        cpu=found[CPU],
        against=against,
        bar=f"{TRAINING_BAR:g} times the bare LSTM",
        met=found[device] <= TRAINING_BAR * against,
    )


def _cells(models: dict[torch.device, Ensemble], device: torch.device, size: Size) -> Row:
    """Return how many cell-days a second and member are predicted zero-shot, and by the recurrence alone."""
    drivers = len(models[CPU].config.model.drivers)
    generator = torch.Generator().manual_seed(0)
    scales = models[CPU].members[0].normaliser
    angle = torch.arange(size.days) * (2 * np.pi / 365.25)
    season = torch.stack([angle.sin(), angle.cos()], 1)

    def batch(count: int, place: torch.device) -> CellBatch:
        mean, std = (torch.from_numpy(v)[:, None] for v in (scales.driver_mean, scales.driver_std))
        values = mean + std * torch.randn(count, drivers, size.days, generator=generator.manual_seed(0))
        static = torch.zeros(count, STATIC_SIZE)
        return CellBatch(*(part.to(place) for part in (values.float(), season.float(), static)))

    rates = {}
    for place, count in ((device, size.cells), (CPU, size.cpu_cells)):
        cells = batch(count, place)
        estimate(models[place], cells)
        taken = median(seconds(lambda: estimate(models[place], cells), place) for _ in range(2))  # noqa: B023
        rates[place] = count * size.days * len(models[place].members) / taken
    small = [estimate(models[place], batch(size.cpu_cells, place)).mean.cpu() for place in (device, CPU)]
    layer = models[device].members[0].model.forward_model.recurrent
    x = torch.randn(size.cells, min(size.days, 128), layer.input_size, device=device)

    def bare() -> None:
        with torch.inference_mode():
            layer(x)

    bare()
    against = x.shape[0] * x.shape[1] / median(seconds(bare, device) for _ in range(size.repeats))
    return Row(
        what=f"Zero-shot, {size.cells} cells, per member",
        device=rates[device],
        cpu=rates[CPU],
        unit="cell-days/s",
        against=against,
        bar=f"{100 * CELLS_BAR:.0f} % of the bare LSTM",
        met=rates[device] >= CELLS_BAR * against,
        difference=float((small[0] - small[1]).abs().max()),
        allowed=1e-4,
    )


def lines(rows: list[Row], device: torch.device) -> list[str]:
    """Return the rows as a Markdown table under a line that says card, driver, torch and date."""
    driver = _driver() if device.type == "cuda" else "none"
    said = f"{describe(device)}, driver {driver}, torch {torch.__version__}, {datetime.now(UTC):%Y-%m-%d}"
    table = ["| what | device | its first call | CPU | bare LSTM | bar | met | device - CPU |", "|" + "---|" * 8]
    for row in rows:

        def number(value: float | None, unit: str = row.unit) -> str:
            if value is None:
                return ""
            return f"{value / 1e6:.3g} M {unit}" if unit != "s" else f"{value:.3g} s"

        difference = "" if row.difference is None else f"{row.difference:.1e}{'' if row.equal else ' TOO LARGE'}"
        cells = (row.what, number(row.device), number(row.first), number(row.cpu), number(row.against), row.bar)
        table.append(f"| {' | '.join(cells)} | {'yes' if row.met else 'no'} | {difference} |")
    return [f"{said}; CPU: {platform.processor() or platform.machine()}, one thread a member", "", *table]


def _driver() -> str:
    """Return the version of the driver of the first GPU."""
    command = ["nvidia-smi", "--query-gpu=driver_version", "--format=csv,noheader"]
    try:
        done = subprocess.run(command, capture_output=True, text=True, timeout=20, check=True)
    except (OSError, subprocess.SubprocessError):
        return "unknown"
    return done.stdout.splitlines()[0].strip()
