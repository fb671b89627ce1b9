"""A report as a single HTML file: what every report is made of, whatever it tells.

It asks for nothing from anywhere, and says so to the browser: plotly.js and all data are in the file.
"""

import datetime
import html
from collections.abc import Iterable, Iterator, Mapping

import plotly.graph_objects as go
from plotly import io as plotly_io
from plotly.offline import get_plotlyjs

import tamrl
from tamrl.figures.style import FONT, GRID, INK, MARK, MUTED, PAPER, Theme, config
from tamrl.predict import link
from tamrl.towers.citations import Work

#: Reports are read on paper as well, whatever the theme of the page.
THEME: Theme = "light"
#: What the browser may load: what stands in the file. plotly.js makes the code of its WebGL charts as it draws them.
_POLICY = (
    "default-src 'none'; script-src 'unsafe-inline' 'unsafe-eval'; style-src 'unsafe-inline'; img-src data: blob:; "
    "base-uri 'none'; form-action 'none'"
)
_STYLE = f"""
body {{ max-width: 1100px; margin: 2rem auto; padding: 0 1rem; background: {PAPER[THEME]}; color: {INK[THEME]};
  font: 15px/1.5 {FONT}; }}
h1 {{ font-size: 1.6rem; margin-bottom: .2rem; }} h2 {{ font-size: 1.2rem; margin-top: 2rem; }}
h3 {{ font-size: 1rem; margin-bottom: .3rem; }}
.mark {{ color: {MARK[THEME]}; font-weight: 600; }} .quiet, figcaption {{ color: {MUTED[THEME]}; font-size: .87rem; }}
.warning {{ border-left: 3px solid {MARK[THEME]}; padding-left: .7rem; }}
figure {{ margin: 1rem 0; }} .row {{ display: grid; grid-template-columns: repeat(3, minmax(0, 1fr)); gap: .6rem; }}
table {{ border-collapse: collapse; width: 100%; }}
th, td {{ text-align: left; vertical-align: top; padding: .25rem .6rem; border-bottom: 1px solid {GRID[THEME]};
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


def document(title: str, lead: str, url: str, body: Iterable[str]) -> bytes:
    """Return a report, HTML in UTF-8, about 5 MB.

    Args:
        title: plain text.
        lead: what it is the report of, a sentence of plain text.
        url: address of the page that restores the view, see ``tamrl.predict.link``; empty for none.
        body: HTML.
    """
    title, written = html.escape(title), f"{datetime.datetime.now(datetime.UTC):%Y-%m-%d %H:%M} UTC"
    inside = "\n".join(body)
    again = (
        f'<p class="quiet"><a href="{html.escape(url)}">Restore this view on the page</a>. '
        f"{html.escape(link.in_words(url))}.</p>"
        if url
        else ""
    )
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
<p class="quiet">{html.escape(lead)} Written by tamrl {tamrl.__version__}, {written}.</p>
{again}
{inside}
</main>
</body>
</html>
""".encode()


def figure(drawn: Iterable[go.Figure], name: str, title: str, caption: str) -> str:
    """Return charts side by side with a heading and a caption."""
    charts = [
        plotly_io.to_html(chart, config=config(), include_plotlyjs=False, full_html=False, div_id=f"{name}-{number}")
        for number, chart in enumerate(drawn, start=1)
    ]
    inside = f'<div class="row">{"".join(charts)}</div>' if len(charts) > 1 else charts[0]
    return f"<h3>{title}</h3>\n<figure>{inside}<figcaption>{caption}</figcaption></figure>"


def facts(said: Mapping[str, str]) -> str:
    """Return names and what is said of each as a table."""
    rows = "".join(f"<tr><th>{html.escape(k)}</th><td>{html.escape(v)}</td></tr>" for k, v in said.items())
    return f'<table class="facts">{rows}</table>'


def table(heads: list[str], rows: list[list[str]], kind: str) -> str:
    """Return rows of plain text as a table of a class of the style."""
    head = "".join(f"<th>{html.escape(text)}</th>" for text in heads)
    body = "".join("<tr>" + "".join(f"<td>{html.escape(text)}</td>" for text in row) + "</tr>" for row in rows)
    return f'<table class="{kind}"><tr>{head}</tr>{body}</table>'


def references(lacking: str, groups: Mapping[str, list[Work]]) -> Iterator[str]:
    """Yield what is to be cited as text with its licence, and all of it as BibTeX.

    Args:
        lacking: what is to be known of data without a citation; empty where there is none.
        groups: works by what they are, see ``tamrl.predict.provenance.works``.
    """
    if lacking:
        yield f"<p>{html.escape(lacking)}</p>"
    for heading, works in groups.items():
        listed = "".join(f"<li>{html.escape(work.text())}</li>" for work in works)
        yield folded(heading, f"<ul>{listed}</ul>", len(works))
    entries = [work.bibtex() for works in groups.values() for work in works]
    written = html.escape("\n\n".join(entries))
    yield folded("BibTeX", f"<pre>{written}</pre>", len(entries))


def folded(heading: str, inside: str, count: int) -> str:
    """Return a part that can be folded; at first it is where it is long, as the towers of a training are."""
    shown = " open" if count <= _LONG else ""
    return f"<details{shown}><summary>{html.escape(heading)} ({count})</summary>{inside}</details>"
