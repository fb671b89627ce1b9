"""What was measured of the engine, as lines and as a section of docs/benchmarks.md."""

from pathlib import Path

import numpy as np

from tamrl.evaluation.benchmark.document import write_between
from tamrl.evaluation.benchmark.upscaling import COARSE, FINE, Figures
from tamrl.globe.earth import load_earth

DOCUMENT = "benchmarks.md"
BEGIN, END = "<!-- written by tamrl bench upscale: begin -->", "<!-- written by tamrl bench upscale: end -->"
#: The globe that is estimated: 0.05 degree, daily, 20 years.
_GLOBE_DEGREES, _GLOBE_YEARS = 0.05, 20


def globe(rate: float, members: int) -> tuple[float, float]:
    """Return core-hours of a daily globe of 0.05 degree and 20 years, and the workers that take a day for it.

    Args:
        rate: steps of cells times members, a second, of one worker with its reading and writing.
        members: of the model.
    """
    share = float((load_earth()["land_fraction"].values > 0).mean())
    cells = share * (180 / _GLOBE_DEGREES) * (360 / _GLOBE_DEGREES)
    days = round((_GLOBE_YEARS + 1) * 365.25)
    hours = cells * days * members / rate / 3600
    return hours, float(np.ceil(hours / 24))


def lines(figures: Figures) -> list[str]:
    """Return the figures as a Markdown table and the estimate that follows from them."""
    f = figures
    hours, workers = globe(f.one.rate, f.members)
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
        ("Two workers against one", f"{f.two.rate / f.one.rate:.2f}", f"{f.two.seconds:.0f} s, {f.one.seconds:.0f} s"),
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
        f"Steps of a cell times members, a second; {f.members} members, SIMULATED drivers; {f.processors}.",
        "",
        f"From the rate of one worker with reading and writing: the land of a {_GLOBE_DEGREES}-degree daily globe of "
        f"{_GLOBE_YEARS} years and a year of spin-up costs about {hours:,.0f} core-hours: {workers:.0f} workers take a "
        "day.",
    ]


def write_section(figures: Figures, docs: Path) -> Path:
    """Write the figures into ``docs/benchmarks.md``, between their markers.

    Raises:
        TamrlError: the document is not there, or has no markers.
    """
    return write_between(docs / DOCUMENT, BEGIN, END, "\n".join(lines(figures)))
