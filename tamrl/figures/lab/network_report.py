"""Adapting to many towers at once as a report: a single HTML file with figures, scores, settings and references."""

from collections.abc import Iterator
from typing import Any

import pandas as pd

from tamrl import wording
from tamrl.figures.lab import html_page as page
from tamrl.figures.lab import network as figures
from tamrl.figures.style import number, unit_label
from tamrl.predict import network_run, provenance
from tamrl.predict.network_run import NetworkRun
from tamrl.schema import FLUX_UNIT, FLUXES

UNIT = unit_label(FLUX_UNIT)
#: Columns of scores of a tower -> digits after the point, and whether a plus is written.
_SCORES = {
    "rmse_before": (2, False),
    "rmse_after": (2, False),
    "change": (0, True),
    "r2_before": (2, False),
    "r2_after": (2, False),
    "bias_before": (2, True),
    "bias_after": (2, True),
}
_HEADS = ("RMSE before", "RMSE after", "Change [%]", "R² before", "R² after", "Bias before", "Bias after")


def report(run: NetworkRun) -> bytes:
    """Return the report, HTML in UTF-8, about 5 MB."""
    return page.document(run.title(), "TAM-RL adapted to each of many towers.", run.url, _body(run))


def _body(run: NetworkRun) -> Iterator[str]:
    if run.workspace.simulated:
        yield '<p class="mark">SIMULATED: these towers were made by a model, nothing here was measured.</p>'
    yield "<h2>What adapting did</h2>"
    yield _summary(run)
    yield "<h2>Figures</h2>"
    yield from _figures(run)
    yield "<h2>Scores of each tower</h2>"
    yield from _scores(run)
    said = {
        "Settings": network_run.settings(run),
        "Data": network_run.data(run),
        "Model": network_run.model(run),
        "Software": provenance.software(["plotly"]),
    }
    for heading, told in said.items():
        yield f"<h2>{heading}</h2>"
        yield page.facts(told)
    yield "<h2>How to cite, and licences</h2>"
    yield from page.references(network_run.uncited(run), network_run.works(run, ["plotly"]))


def _summary(run: NetworkRun) -> str:
    """Return the medians over towers, and on what they were taken."""
    found, step = figures.summary(run.result.table), run.workspace.step()
    medians = run.result.table.groupby("flux")[["rmse_before", "rmse_after"]].median()
    rows = [
        [
            *(flux, f"{row['towers']:.0f}", *(number(value) for value in medians.loc[flux])),
            *(number(row["median"], 1, True), f"{row['improved']:.0f}", f"{row['harmed']:.0f}"),
        ]
        for flux, row in found.iterrows()
    ]
    heads = ["Flux", "Towers", "RMSE before", "RMSE after", "Change [%]", "Better [% of towers]", "Worse [% of towers]"]
    said = (
        f"Medians over towers of {step.adjective} scores of the ensemble mean, on the valid {wording.unit(step, 0)} "
        f"(QC of at least 0.7) that were not labelled. RMSE in {UNIT}; change: median of each tower's own; better and "
        f"worse: towers whose RMSE fell or rose by {figures.BAND:g} % or more."
    )
    return page.table(heads, rows, "scores") + f'<p class="quiet">{said}</p>'


def _figures(run: NetworkRun) -> Iterator[str]:
    """Yield the distribution, and a map a flux."""
    table = run.result.table
    spread = figures.distribution(table, None, page.THEME)
    said = f"One point a tower; box: quartiles and median; grey: less than {figures.BAND:g} % either way."
    yield page.figure([spread], "change", "Change of RMSE", said)
    for flux in FLUXES:
        drawn = figures.change_map(table, run.towers, flux, page.THEME)
        told = "Purple: the error fell; orange: it rose. The ends of the colours are the 95th percentile of the size."
        yield page.figure([drawn], f"map-{flux}", f"Where adapting changed {flux}", told)


def _scores(run: NetworkRun) -> Iterator[str]:
    """Yield the scores of each tower, a table a flux, folded."""
    towers = run.towers
    for flux in FLUXES:
        listed = run.result.table[run.result.table["flux"] == flux].sort_values("change")
        rows = [
            [row["site"], *towers.loc[row["site"], ["igbp", "koeppen"]].astype(str), f"{row['n']:,}", _labelled(row)]
            + [number(row[name], *how) for name, how in _SCORES.items()]
            for row in listed.to_dict("records")
        ]
        heads = ["Tower", "IGBP", "Köppen", "n", "Labelled", *_HEADS]
        yield page.folded(f"{flux} [{UNIT}]", page.table(heads, rows, "scores"), len(rows))


def _labelled(row: dict[str, Any]) -> str:
    first, last = (pd.Timestamp(row[name]) for name in ("first", "last"))
    return f"{row['days']} from {first:%Y-%m-%d} to {last:%Y-%m-%d}"
