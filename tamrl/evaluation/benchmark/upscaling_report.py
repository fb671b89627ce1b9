"""What was measured of the engine, in words and tables: what a globe costs follows from it."""

from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tamrl.evaluation.benchmark.document import write_between
from tamrl.globe.earth import load_earth

DOCUMENT = "benchmarks.md"
BEGIN, END = "<!-- written by tamrl bench upscale: begin -->", "<!-- written by tamrl bench upscale: end -->"
#: Degrees of the two grids that memory is compared on.
COARSE, FINE = 1.0, 0.25
#: The globes that are estimated: daily, 20 years.
GLOBES, _GLOBE_YEARS = (0.05, 0.25), 20


@dataclass(frozen=True)
class Whole:
    """What a run over a grid took: regions only, after every worker has loaded the model.

    Attributes:
        rate: steps of cells times members, a second.
        seconds: wall time.
        staging: of it, seconds that went into turning maps.
        peak: largest resident memory of a worker, bytes.
        cells: computed.
    """

    rate: float
    seconds: float
    staging: float
    peak: float
    cells: int


@dataclass(frozen=True, kw_only=True)
class Figures:
    """Everything that the benchmark measures; see ``lines``."""

    bare: float
    memory_rate: float
    ratio: float
    one: Whole
    two: Whole | None
    coarse: Whole
    fine: Whole
    maps: Whole
    maps_read: float
    members: int
    device: str
    gpu: bool = False
    precision: str = "float32"


def globe(degrees: float, rate: float, members: int) -> tuple[float, float]:
    """Return the hours of one worker for the land of a daily globe of 20 years, and the workers that take a day for it.

    Args:
        degrees: size of a cell.
        rate: steps of cells times members, a second, of one worker with its reading and writing.
        members: of the model.
    """
    share = float((load_earth()["land_fraction"].values > 0).mean())
    cells = share * (180 / degrees) * (360 / degrees)
    days = round((_GLOBE_YEARS + 1) * 365.25)
    hours = cells * days * members / rate / 3600
    return hours, float(np.ceil(hours / 24))


def lines(figures: Figures) -> list[str]:
    """Return the figures as a Markdown table and the estimate that follows from them."""
    f = figures
    scaling = []
    if f.two is not None:
        told = f"{f.two.seconds:.0f} s, {f.one.seconds:.0f} s"
        scaling = [("Two workers against one", f"{f.two.rate / f.one.rate:.2f}", told)]
    rows = [
        (
            "Engine, drivers in memory to fluxes, against the bare LSTM",
            f"{f.ratio:.2f}",
            f"{f.memory_rate / 1e6:.2f} against {f.bare / 1e6:.2f} million",
        ),
        (
            "The same with reading and writing, spin-up counted",
            f"{f.one.rate / f.bare:.2f}",
            f"{f.one.rate / 1e6:.2f} million",
        ),
        *scaling,
        (
            f"Peak memory of a worker, {FINE:g} degree against {COARSE:g}",
            f"{f.fine.peak / f.coarse.peak:.2f}",
            f"{f.fine.peak / 1e6:.0f} MB with {f.fine.cells} cells, {f.coarse.peak / 1e6:.0f} MB with {f.coarse.cells}",
        ),
        (
            "Time with drivers in whole maps against drivers in series",
            f"{f.maps.seconds / f.one.seconds:.2f}",
            f"of it {f.maps.staging:.0f} s to turn them once; each map would be read {f.maps_read:.0f} times",
        ),
    ]
    table = ["| ratio | value | figures |", "|---|---|---|", *(f"| {a} | {b} | {c} |" for a, b, c in rows)]
    return [
        *table,
        "",
        f"Steps of a cell times members, a second; {f.members} members, {f.precision}, SIMULATED drivers; {f.device}.",
        "",
        "From the rate of one worker with reading and writing, the land of a daily globe of "
        f"{_GLOBE_YEARS} years and a year of spin-up costs {_costs(f)}.",
    ]


def _costs(figures: Figures) -> str:
    """Return what the globes cost, in words."""
    found = []
    for degrees in GLOBES:
        hours, workers = globe(degrees, figures.one.rate, figures.members)
        unit = "GPU-hours" if figures.gpu else "core-hours"
        found.append(f"about {hours:,.{1 if hours < 10 else 0}f} {unit} at {degrees:g} degree ({workers:.0f} in a day)")
    return " and ".join(found)


def write_section(figures: Figures, docs: Path) -> Path:
    """Write the figures into ``docs/benchmarks.md``, between their markers.

    Raises:
        TamrlError: the document is not there, or has no markers.
    """
    return write_between(docs / DOCUMENT, BEGIN, END, "\n".join(lines(figures)))
