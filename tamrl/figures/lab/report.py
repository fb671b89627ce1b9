"""One adaptation as a report: a single HTML file with its figures, scores, settings, provenance and references.

It asks for nothing from anywhere, and says so to the browser: plotly.js and all data are in the file.
"""

import datetime
import html
from collections.abc import Iterable, Iterator, Mapping

import numpy as np
import plotly.graph_objects as go
from plotly import io as plotly_io
from plotly.offline import get_plotlyjs

import tamrl
from tamrl import wording
from tamrl.figures.lab import adaptation as figures
from tamrl.figures.lab import diagnostics
from tamrl.figures.style import FONT, GRID, INK, MARK, MUTED, PAPER, Theme, config, number, unit_label
from tamrl.predict import provenance
from tamrl.predict.output import before_after
from tamrl.predict.provenance import Run
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.timestep import step_of

UNIT = unit_label(FLUX_UNIT)
#: Reports are read on paper as well, whatever the theme of the page.
_THEME: Theme = "light"
#: What the browser may load: what stands in the file. plotly.js makes the code of its WebGL charts as it draws them.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
_STYLE = f"""
body {{ max-width: 1100px; margin: 2rem auto; padding: 0 1rem; background: {PAPER[_THEME]}; color: {INK[_THEME]};
  font: 15px/1.5 {FONT}; }}
h1 {{ font-size: 1.6rem; margin-bottom: .2rem; }} h2 {{ font-size: 1.2rem; margin-top: 2rem; }}
h3 {{ font-size: 1rem; margin-bottom: .3rem; }}
.mark {{ color: {MARK[_THEME]}; font-weight: 600; }} .quiet, figcaption {{ color: {MUTED[_THEME]}; font-size: .87rem; }}
.warning {{ border-left: 3px solid {MARK[_THEME]}; padding-left: .7rem; }}
figure {{ margin: 1rem 0; }} .row {{ display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .6rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid {GRID[_THEME]};
  overflow-wrap: anywhere; }}
th {{ font-weight: 600; }} .facts th {{ width: 14rem; }}
.scores th, .scores td {{ text-align: right; overflow-wrap: normal; }}
.scores td:first-child, .scores th:first-child {{ text-align: left; }}
summary {{ font-weight: 600; margin-top: .8rem; cursor: pointer; }}
pre {{ white-space: pre-wrap; overflow-wrap: anywhere; font-size: .8rem; }}
@media (max-width: 700px) {{ .row {{ grid-template-columns: 1fr; }} }}
@media print {{ figure, table {{ break-inside: avoid; }} }}
"""
#: References that are shown unfolded.
_LONG = 20
#: Column of ``before_after`` -> heading of the scores.
_SCORES = {"rmse": "RMSE", "r2": "R²", "mae": "MAE", "bias": "Bias"}


def report(run: Run) -> bytes:
    """Return the report, HTML in UTF-8, about 5 MB."""
    title, written = html.escape(run.title()), f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC"
    body = "\n".join(_body(run))
    return f"""<!DOCTYPE html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="{_POLICY}">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>{title}</title>
<style>{_STYLE}</style>
<script>{get_plotlyjs()}</script>
</head>
<body>
<main>
<h1>{title}</h1>
<p class="quiet">TAM-RL adapted to one tower. Written by tamrl {tamrl.__version__}, {written}.</p>
{body}
</main>
</body>
</html>
""".encode()


def _body(run: Run) -> Iterator[str]:
    if run.workspace.simulated:
        yield '<p class="mark">SIMULATED: this tower was made by a model, nothing here was measured.</p>'
    for line in run.warnings():
        yield f'<p class="warning">{html.escape(line)}</p>'
    yield "<h2>Scores before and after</h2>"
    yield _scores(run)
    yield "<h2>Figures</h2>"
    yield from _figures(run)
    facts = {
        "Settings": provenance.settings(run),
        "Data": provenance.data(run),
        "Model": provenance.model(run),
        "Software": provenance.software(["plotly"]),
    }
    for heading, said in facts.items():
        yield f"<h2>{heading}</h2>"
        yield _facts(said)
    yield "<h2>How to cite, and licences</h2>"
    yield from _references(run)


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
    return _table(["Flux", "n", *heads], rows, "scores") + f'<p class="quiet">{said}</p>'


def _figures(run: Run) -> Iterator[str]:
    """Yield the figures of the lab."""
    made, site = run.adaptation, html.escape(run.site)
    tower, zero_shot, adapted = made.tower, made.zero_shot, made.adapted
    units = wording.unit(step_of(tower), 0)
    over_time = figures.comparison(tower, zero_shot, adapted, made.support, _THEME)
    yield _figure([over_time], "series", "Observed and predicted over time", f"{site}; {_bands(run)}")
    before, after = (p.mean("member") for p in (zero_shot, adapted))
    pairs = [
        figures.scatter(tower[f].values, before[f].values, after[f].values, made.scored, f, _THEME) for f in FLUXES
    ]
    yield _figure(pairs, "scatter", f"Predicted against observed, scored {units}", "Ensemble means; dashed: 1:1.")
    tables = {f: figures.season_table(tower, zero_shot, adapted, made.scored, f) for f in FLUXES}
    seasons = [figures.season(tables[f], f, _THEME) for f in FLUXES]
    yield _figure(seasons, "season", "Mean seasonal cycle", f"The same scored {units} in every line.")
    spread = diagnostics.spread(zero_shot, adapted, _THEME)
    yield _figure([spread], "spread", "Ensemble spread", "Standard deviation of the members; whiskers: 5 and 95 %.")
    open_balance = float(np.nanmax(np.abs(diagnostics.residual(adapted)), initial=0.0))
    if open_balance >= figures.ROUNDING:
        said = f"Largest size in any member {open_balance:.2g} {UNIT}."
        yield _figure([diagnostics.balance(tower, adapted, _THEME)], "balance", "Carbon balance residual", said)
    if len(made.history):
        said = f"Each member is fitted twice: first without the held-back {units} (dotted), then with all support."
        yield _figure([diagnostics.loss_figure(made.history, _THEME)], "loss", "How the loss fell", said)


def _bands(run: Run) -> str:
    """Say what the bands of the figure over time are."""
    calibrated = [f"{FLUXES[0]}_low" in p for p in (run.adaptation.zero_shot, run.adaptation.adapted)]
    if all(calibrated):
        return "bands are calibrated 90 % prediction intervals, the support is shaded."
    spread = "one standard deviation of the members, which is not calibrated"
    return f"bands are {'90 % intervals (zero-shot) and ' if any(calibrated) else ''}{spread}; the support is shaded."


def _figure(drawn: Iterable[go.Figure], name: str, title: str, caption: str) -> str:
    """Return charts side by side with a heading and a caption."""
    charts = [
        plotly_io.to_html(chart, config=config(), include_plotlyjs=False, full_html=False, div_id=f"{name}-{number}")
        for number, chart in enumerate(drawn, start=1)
    ]
    inside = f'<div class="row">{"".join(charts)}</div>' if len(charts) > 1 else charts[0]
    return f"<h3>{title}</h3>\n<figure>{inside}<figcaption>{caption}</figcaption></figure>"


def _facts(said: Mapping[str, str]) -> str:
    rows = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in said.items())
    return f'<table class="facts">{rows}</table>'


def _table(heads: list[str], rows: list[list[str]], kind: str) -> str:
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><tr>{head}</tr>{body}</table>'


def _references(run: Run) -> Iterator[str]:
    """Yield what is to be cited as text with its licence, and all of it as BibTeX."""
    if lacking := provenance.uncited(run):
        yield f"<p>{html.escape(lacking)}</p>"
    groups = provenance.works(run, ["plotly"])
    for heading, works in groups.items():
        listed = "".join(f"<li>{html.escape(work.text())}</li>" for work in works)
        yield _folded(heading, f"<ul>{listed}</ul>", len(works))
    entries = [work.bibtex() for works in groups.values() for work in works]
    written = html.escape("\n\n".join(entries))
    yield _folded("BibTeX", f"<pre>{written}</pre>", len(entries))


def _folded(heading: str, inside: str, count: int) -> str:
    """Return a part that can be folded; at first it is where it is long, as the towers of a training are."""
    shown = " open" if count <= _LONG else ""
    return f"<details{shown}><summary>{html.escape(heading)} ({count})</summary>{inside}</details>"
