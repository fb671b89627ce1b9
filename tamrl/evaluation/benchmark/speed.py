"""How fast prediction and training are: ratios from one run, each against what bounds it or what it replaces.

What is compared runs in turns on one thread, so that other load on the machine affects all of it alike, and is timed in
processor time, which leaves that load out; of each ratio the median over the rounds is reported.
"""

import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, replace
from functools import partial
from pathlib import Path
from statistics import median
from typing import Any, Literal

import numpy as np
import torch
import xarray as xr
from torch import Tensor, nn

from tamrl.config import Config
from tamrl.errors import TamrlError
from tamrl.evaluation.benchmark.document import write_between
from tamrl.evaluation.benchmark.published_way import PublishedWay
from tamrl.model.checkpoint import Ensemble, Member, load_ensemble
from tamrl.model.inputs import TowerRecord
from tamrl.model.network import Modulation
from tamrl.predict import effects
from tamrl.predict.ensemble import member_code, member_record, run_forward, states_of
from tamrl.predict.many import ON_A_CPU
from tamrl.system import memory
from tamrl.system.device import fast_bfloat16, no_denormals, one_thread
from tamrl.timestep import TimeStep
from tamrl.towers.archive import load_archive, record
from tamrl.training.batches import Batch
from tamrl.training.member import MemberTrainer

DOCUMENT = "benchmarks.md"
BEGIN, END = "<!-- written by tamrl bench speed: begin -->", "<!-- written by tamrl bench speed: end -->"
#: Shape of a training step: sequences and days.
BATCH, SEQUENCE = 32, 736
#: Days of a sliding window of the paper, and of the record that windows slide over here.
WINDOW, WINDOW_DAYS = 30, 730
#: Towers of that comparison: windows of one make a batch of their own, whole sequences need several.
WINDOW_TOWERS = 16
#: Towers of the line of costs, and days of each.
TOWERS, LINE_DAYS = (20, 60, 200, 600, 2000), 365
#: Towers that each point of the line is timed with in all, so that few towers are timed several times.
TIMED_TOWERS = 600
CPU = torch.device("cpu")


@dataclass(frozen=True, kw_only=True)
class Row:
    """One measured ratio.

    Attributes:
        what: is compared with what.
        value: the ratio.
        bar: lowest and highest value of the target.
        unit: ``x``, ``%`` or nothing, of value and bar.
        figures: it was made of.
    """

    what: str
    value: float
    bar: tuple[float, float]
    unit: str
    figures: str

    @property
    def met(self) -> bool:
        """Whether the value is within its bar."""
        return self.bar[0] <= self.value <= self.bar[1]


def seconds(call: Callable[[], object]) -> float:
    """Return the seconds of this process that a call takes."""
    began = time.process_time()
    call()
    return time.process_time() - began


def interleaved(calls: Mapping[str, Callable[[], object]], rounds: int) -> dict[str, list[float]]:
    """Return the seconds of each call in each round; every call is made once before."""
    found: dict[str, list[float]] = {name: [] for name in calls}
    for call in calls.values():
        call()
    for _ in range(rounds):
        for name, call in calls.items():
            found[name].append(seconds(call))
    return found


def ratio(times: dict[str, list[float]], above: str, below: str) -> float:
    """Return the median over the rounds of the seconds of one call over those of another."""
    return median(a / b for a, b in zip(times[above], times[below], strict=True))


@no_denormals()
def measure(
    archive: Path, checkpoint: Path, say: Callable[[str], None], rounds: int = 5, towers: tuple[int, ...] = TOWERS
) -> list[Row]:
    """Measure everything.

    Args:
        archive: daily towers.
        checkpoint: of a daily model.
        say: told what is done.
        rounds: of each comparison.
        towers: numbers of towers of the line of costs; copies where the archive has fewer.

    Raises:
        TamrlError: the model is not daily, or the archive has fewer than two towers.
    """
    one_thread()
    ensemble = load_ensemble(checkpoint)
    if ensemble.config.model.step != TimeStep.DAILY:
        raise TamrlError("The benchmark runs a daily model", str(checkpoint), "Choose fluxnet2015-daily")
    say("Reading towers")
    dataset = load_archive(archive)
    member = ensemble.members[0]
    tables = [record(dataset, site) for site in dataset.site.values]
    tables = [tower for tower in tables if _has_drivers(ensemble, member, tower)]
    records = [member_record(ensemble, member, tower) for tower in tables]
    if len(records) < 2:
        raise TamrlError("The benchmark needs two towers or more", str(archive), "Ingest more towers")
    rows: list[Row] = []
    for name, rows_of in (
        ("All towers against the bare recurrent network", partial(_forward, ensemble, member, records)),
        ("Whole sequences against sliding windows", partial(_windows, ensemble, member, records)),
        ("Training steps", partial(_training, member, records)),
        ("Training the published way", partial(_published, ensemble, member, tables, records)),
    ):
        say(name)
        rows += rows_of(rounds)
    say(f"From {towers[0]} to {towers[-1]} towers")
    rows.append(_line(ensemble, member, tables, towers))
    say("Training steps with freed memory kept")
    # Last, since it cannot be undone.
    memory.keep()
    return [*rows, *_training(member, records, rounds, ", freed memory kept as by tamrl train")]


@torch.no_grad()
def _predicted(ensemble: Ensemble, member: Member, made: list[TowerRecord]) -> Tensor:
    """Return the zero-shot fluxes (B, T, 3) of towers that are one batch, gC m-2 d-1."""
    states = states_of(ensemble, member, made, effects.codes(ensemble, member, made))
    return member.model.forward_model.raw_fluxes(states)


def _forward(ensemble: Ensemble, member: Member, records: list[TowerRecord], rounds: int) -> Iterator[Row]:
    """Yield how fast one member predicts all towers, from their tensors to fluxes, against its recurrence alone."""
    layer = member.model.forward_model.recurrent
    order = sorted(records, key=lambda r: len(r.time))
    days = sum(len(r.time) for r in records)
    for size, what in ((1, "each by itself"), (ON_A_CPU, f"in batches of {ON_A_CPU} of like length")):
        batches = [order[i : i + size] for i in range(0, len(order), size)]
        series = [torch.randn(len(own), len(own[-1].time), layer.input_size) for own in batches]
        calls: dict[str, Callable[[], object]] = {
            "bare": torch.no_grad()(partial(_each, layer, series)),
            "ours": partial(_each, partial(_predicted, ensemble, member), batches),
        }
        times = interleaved(calls, max(2, rounds // 2))
        yield Row(
            what=f"Zero-shot forward pass over {len(records)} towers, {what}, against the bare LSTM",
            value=100 * ratio(times, "bare", "ours"),
            bar=(80, np.inf),
            unit=" %",
            figures=f"{days / median(times['ours']):,.0f} against {days / median(times['bare']):,.0f} days a second",
        )


def _each(call: Callable[[Any], object], given: list[Any]) -> None:
    for one in given:
        call(one)


def _windows(ensemble: Ensemble, member: Member, records: list[TowerRecord], rounds: int) -> Iterator[Row]:
    """Yield how fast daily fluxes are predicted from one sequence against a window for each day."""
    longest = sorted(records, key=lambda r: len(r.time))[-WINDOW_TOWERS:]
    days = min(WINDOW_DAYS, len(longest[0].time))
    drivers, mask = (torch.stack([getattr(r, n)[:days] for r in longest]) for n in ("drivers", "driver_mask"))
    states = member.model.forward_model.states
    with torch.no_grad():
        codes = torch.cat([member_code(ensemble, member, r, None) for r in longest])
        modulation = member.model.modulator(codes)

    def each(window: int, count: int) -> None:
        with torch.no_grad():
            for i in range(count):
                row = slice(i, i + 1)
                run_forward(states, drivers[row], mask[row], Modulation(*(v[row] for v in modulation)), window)

    calls: dict[str, Callable[[], object]] = {
        "together": torch.no_grad()(partial(states, drivers, mask, modulation)),
        "windows": partial(each, WINDOW, len(longest)),
        "one": partial(each, 0, 1),
    }
    times, total = interleaved(calls, rounds), days * len(longest)
    alone = ratio(times, "windows", "one") / len(longest)
    rates = [f"{total / median(times[name]):,.0f}" for name in ("together", "windows")]
    yield Row(
        what=f"Daily prediction of {len(longest)} towers, against {WINDOW}-day sliding windows of the same network",
        value=ratio(times, "windows", "together"),
        bar=(15, np.inf),
        unit="x",
        figures=f"{rates[0]} against {rates[1]} days a second; one tower alone {alone:.1f}x",
    )


def trainer(member: Member, records: list[TowerRecord], precision: Literal["auto", "float32"]) -> MemberTrainer:
    """Return a trainer of steps of ``BATCH`` sequences of ``SEQUENCE`` days, which validates on the last tower."""
    config = Config()
    model = replace(config.model, drivers=member.model.config.drivers)
    train = replace(
        config.train, batch=BATCH, sequence=SEQUENCE, precision=precision, validate_every=10**6, steps=10**6
    )
    return MemberTrainer(records[:-1], records[-1:], member.normaliser, Config(model, train), 0, CPU)


def bare_step(made: MemberTrainer) -> Callable[[], None]:
    """Return the forward and backward pass of the recurrent layer of a trainer alone, to its weights and input."""
    forward = made.model.forward_model
    layer = nn.LSTM(forward.recurrent.input_size, forward.recurrent.hidden_size, batch_first=True)
    x = torch.randn(BATCH, SEQUENCE, layer.input_size, requires_grad=True)

    def step() -> None:
        with torch.autocast("cpu", torch.bfloat16, enabled=forward.half_precision):
            states = layer(x)[0]
        states.backward(torch.ones_like(states))
        layer.zero_grad(set_to_none=True)
        x.grad = None

    return step


def _training(member: Member, records: list[TowerRecord], rounds: int, how: str = "") -> Iterator[Row]:
    """Yield how fast a training step is against its recurrence alone, and what its data take of it."""
    kinds: dict[Literal["auto", "float32"], str] = {"float32": "32 bits", "auto": "bfloat16"}
    for precision, kind in kinds.items():
        if precision == "auto" and not fast_bfloat16(CPU):
            return
        made = trainer(member, records, precision)
        times = interleaved(
            {"bare": bare_step(made), "step": made.advance, "data": made.batcher.draw}, max(3, 2 * rounds)
        )
        ms = {name: 1e3 * median(each) for name, each in times.items()}
        yield Row(
            what=f"Training step, {BATCH} x {SEQUENCE} days, against the bare LSTM both ways, in {kind}{how}",
            value=100 * ratio(times, "bare", "step"),
            bar=(60, np.inf),
            unit=" %",
            figures=f"{ms['step']:.0f} ms, the bare LSTM {ms['bare']:.0f} ms",
        )
        if precision == "float32" and not how:
            yield Row(
                what="Data to batch, of a training step",
                value=100 * ratio(times, "data", "step"),
                bar=(0, 5),
                unit=" %",
                figures=f"{ms['data']:.1f} ms of {ms['step']:.0f} ms",
            )


def _published(
    ensemble: Ensemble, member: Member, tables: list[xr.Dataset], records: list[TowerRecord], rounds: int
) -> Iterator[Row]:
    """Yield labelled days a second of training against those of the published way, in 32 bits both."""
    made, way = trainer(member, records, "float32"), PublishedWay(ensemble, member, tables, WINDOW)
    days: dict[str, list[int]] = {"ours": [], "published": []}
    draw = made.batcher.draw

    def drawn() -> Batch:
        batch = draw()
        days["ours"].append(int((batch.weight.amax(-1) > 0).sum()))
        return batch

    made.batcher.draw = drawn  # type: ignore[method-assign]
    times = interleaved({"ours": made.advance, "published": lambda: days["published"].append(way.step())}, rounds)
    rates = {name: [n / t for n, t in zip(days[name][1:], times[name], strict=True)] for name in times}
    yield Row(
        what="Training, labelled days a second, against slicing a DataFrame into 30-day windows",
        value=median(a / b for a, b in zip(rates["ours"], rates["published"], strict=True)),
        bar=(20, np.inf),
        unit="x",
        figures=f"{median(rates['ours']):,.0f} against {median(rates['published']):,.0f} days a second",
    )


def _line(ensemble: Ensemble, member: Member, tables: list[xr.Dataset], towers: tuple[int, ...]) -> Row:
    """Return the exponent of the cost of more towers: from their tables to fluxes, copies of towers where too few."""
    short = [tower.isel(time=slice(0, LINE_DAYS)) for tower in tables]
    short = [t for t in short if t.sizes["time"] == LINE_DAYS and _has_drivers(ensemble, member, t)]
    costs = []

    def predict(count: int) -> None:
        for i in range(count):
            _predicted(ensemble, member, [member_record(ensemble, member, short[i % len(short)])])

    predict(min(towers))
    for count in towers:
        rounds = range(max(1, min(TIMED_TOWERS, max(towers)) // count))
        costs.append(median(seconds(partial(predict, count)) for _ in rounds))
    exponent = float(np.polyfit(np.log(towers), np.log(costs), 1)[0])
    each = ", ".join(f"{n}: {s:.2f} s" for n, s in zip(towers, costs, strict=True))
    return Row(
        what=f"Exponent of the cost from {towers[0]} to {towers[-1]:,} towers of {LINE_DAYS} days",
        value=exponent,
        bar=(0.9, 1.1),
        unit="",
        figures=each,
    )


def _has_drivers(ensemble: Ensemble, member: Member, tower: xr.Dataset) -> bool:
    try:
        return bool(member_record(ensemble, member, tower).site)
    except TamrlError:
        return False


def lines(rows: list[Row], machine: str) -> list[str]:
    """Return the rows as a Markdown table, with the bars and whether they are met."""
    table = ["| what | value | bar | met | figures |", "|---|---|---|---|---|"]
    for row in rows:
        low, high = row.bar
        bar = f"{low:g}{row.unit} or more" if np.isinf(high) else f"{low:g} to {high:g}{row.unit}"
        bar = f"{high:g}{row.unit} or less" if low == 0 else bar
        shown = f"{row.value:.{2 if not row.unit else 1}f}{row.unit}"
        table.append(f"| {row.what} | {shown} | {bar} | {'met' if row.met else 'missed'} | {row.figures} |")
    return [*table, "", f"One thread, seconds of the processor; {machine}."]


def write_section(rows: list[Row], machine: str, docs: Path) -> Path:
    """Write the rows into ``docs/benchmarks.md``, between their markers.

    Raises:
        TamrlError: the document is not there, or has no markers.
    """
    return write_between(docs / DOCUMENT, BEGIN, END, "\n".join(lines(rows, machine)))
