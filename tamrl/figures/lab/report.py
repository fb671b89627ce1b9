"""One adaptation as a report: a single HTML file with its figures, scores, settings, provenance and references."""

import html
from collections.abc import Iterator

import numpy as np

from tamrl import wording
from tamrl.figures.lab import adaptation as figures
from tamrl.figures.lab import diagnostics
from tamrl.figures.lab import html_page as page
from tamrl.figures.style import number, unit_label
from tamrl.predict import provenance
from tamrl.predict.output import before_after
from tamrl.predict.provenance import Run
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.timestep import step_of

UNIT = unit_label(FLUX_UNIT)
#: Column of ``before_after`` -> heading of the scores.
_SCORES = {"rmse": "RMSE", "r2": "R²", "mae": "MAE", "bias": "Bias"}


def report(run: Run) -> bytes:
    """Return the report, HTML in UTF-8, about 5 MB."""
    return page.document(run.title(), "TAM-RL adapted to one tower.", run.url, _body(run))


def _body(run: Run) -> Iterator[str]:
    if run.workspace.simulated:
        yield '<p class="mark">SIMULATED: this tower was made by a model, nothing here was measured.</p>'
    for line in run.warnings():
        yield f'<p class="warning">{html.escape(line)}</p>'
    yield "<h2>Scores before and after</h2>"
    yield _scores(run)
    yield "<h2>Figures</h2>"
    yield from _figures(run)
    said = {
        "Settings": provenance.settings(run),
        "Data": provenance.data(run),
        "Model": provenance.model(run),
        "Software": provenance.software(["plotly"]),
    }
    for heading, told in said.items():
        yield f"<h2>{heading}</h2>"
        yield page.facts(told)
    yield "<h2>How to cite, and licences</h2>"
    yield from page.references(provenance.uncited(run), provenance.works(run, ["plotly"]))


def _scores(run: Run) -> str:
    """Return the table of scores, and on what they were taken."""
    step, table = step_of(run.adaptation.tower), before_after(run.adaptation)
    units = wording.unit(step, 0)
    heads = [f"{label} {when}" for label in _SCORES.values() for when in ("before", "after")]
    rows = [
        [row["flux"], f"{row['n']:,}"]
        + [number(row[f"{key}_{when}"]) for key in _SCORES for when in ("before", "after")]
        for row in table.to_dict("records")
    ]
    said = (
        f"{step.adjective.capitalize()} values of the ensemble mean at this one tower, on the n valid {units} "
        f"(NEE_QC of at least 0.7) outside the support. RMSE, MAE and bias in {UNIT}; R² is 1 \N{MINUS SIGN} SSE/SST."
    )
    return page.table(["Flux", "n", *heads], rows, "scores") + f'<p class="quiet">{said}</p>'


def _figures(run: Run) -> Iterator[str]:
    """Yield the figures of the lab."""
    made, site = run.adaptation, html.escape(run.site)
    tower, zero_shot, adapted = made.tower, made.zero_shot, made.adapted
    units = wording.unit(step_of(tower), 0)
    over_time = figures.comparison(tower, zero_shot, adapted, made.support, page.THEME)
    yield page.figure([over_time], "series", "Observed and predicted over time", f"{site}; {_bands(run)}")
    before, after = (p.mean("member") for p in (zero_shot, adapted))
    pairs = [figures.scatter(tower, before[f].values, after[f].values, made.scored, f, page.THEME) for f in FLUXES]
    yield page.figure(pairs, "scatter", f"Predicted against observed, scored {units}", "Ensemble means; dashed: 1:1.")
    tables = {f: figures.season_table(tower, zero_shot, adapted, made.scored, f) for f in FLUXES}
    seasons = [figures.season(tables[f], f, page.THEME) for f in FLUXES]
    yield page.figure(seasons, "season", "Mean seasonal cycle", f"The same scored {units} in every line.")
    spread = diagnostics.spread(zero_shot, adapted, page.THEME)
    yield page.figure([spread], "spread", "Ensemble spread", "Standard deviation of the members; whiskers: 5 and 95 %.")
    open_balance = float(np.nanmax(np.abs(diagnostics.residual(adapted)), initial=0.0))
    if open_balance >= figures.ROUNDING:
        said = f"Largest size in any member {open_balance:.2g} {UNIT}."
        yield page.figure([diagnostics.balance(tower, adapted, page.THEME)], "balance", "Carbon balance residual", said)
    if len(made.history):
        said = f"Each member is fitted twice: first without the held-back {units} (dotted), then with all support."
        yield page.figure([diagnostics.loss_figure(made.history, page.THEME)], "loss", "How the loss fell", said)


def _bands(run: Run) -> str:
    """Say what the bands of the figure over time are."""
    calibrated = [f"{FLUXES[0]}_low" in p for p in (run.adaptation.zero_shot, run.adaptation.adapted)]
    if all(calibrated):
        return "bands are calibrated 90 % prediction intervals, the support is shaded."
    spread = "one standard deviation of the members, which is not calibrated"
    return f"bands are {'90 % intervals (zero-shot) and ' if any(calibrated) else ''}{spread}; the support is shaded."
