"""Every figure of the package: axes name quantity and unit, hovers say what is what, colours are colours and ours."""

import importlib
import inspect
import itertools
import pkgutil
import re
from pathlib import Path

import numpy as np
import plotly.graph_objects as go
import pydeck as pdk
import pytest
from figure_cases import CASES

import tamrl.figures
from tamrl.figures.style import unit_label
from tamrl.schema import VARIABLES

THEMES = ("light", "dark")
#: Maps of deck.gl.
MAPS = {"scorecard.map.score_map", "towers.map.tower_map", "towers.map.point_map"}
UNITS = {unit_label(v.unit) for v in VARIABLES.values()} | {
    unit_label(unit) for unit in ("gC m-2 d-1", "PgC yr-1", "TgC yr-1", "mm yr-1", "%", "10⁶ km²")
}
#: What axes show that has no unit: scores, counts, and what is measured in itself.
BARE = re.compile(
    r"R²|Median R²|Step$|Loss$|Students$|Networks$|Year$|Month$|Day of year$|Days of labels$|Labelled days$|"
    r"Support days$|Value of the answer|Principal component \d|Distance, relative to|Median dissimilarity index|γ|β"
)
#: Where colours may be written: those of data, of pages, of grounds, of the stage, of print.
PAINTED = {"colours.py", "style.py", "stage.py", "towers/map.py", "world/map.py", "world/print.py"}
COLOUR = re.compile(r"#[0-9a-f]{6}|rgba?\(\d+, ?\d+, ?\d+(, ?[\d.]+)?\)", re.IGNORECASE)
PLACEHOLDER = re.compile(r"%\{(\w+)(?:\[(\d+)\])?([:|][^}]+)?\}")


def drawn_by_the_package():
    """Names of the public functions that return a figure or a map and are not given one."""
    found = set()
    for module in pkgutil.walk_packages(tamrl.figures.__path__, "tamrl.figures."):
        for name, function in inspect.getmembers(importlib.import_module(module.name), inspect.isfunction):
            signature = inspect.signature(function)
            kinds = (go.Figure, pdk.Deck)
            given = any(parameter.annotation in kinds for parameter in signature.parameters.values())
            own = function.__module__ == module.name and not name.startswith("_")
            if own and signature.return_annotation in kinds and not given:
                found.add(f"{module.name.removeprefix('tamrl.figures.')}.{name}")
    return found


@pytest.fixture(scope="module")
def drawn():
    return {(name, theme): draw(theme) for name, draw in CASES.items() for theme in THEMES}


@pytest.fixture(params=sorted(set(CASES) - MAPS))
def charts(request, drawn):
    """A chart of plotly in both themes."""
    return [drawn[request.param, theme] for theme in THEMES]


def axes_of(figure):
    """Yield each axis of the plane with its letter and the traces that it carries."""
    for letter in "xy":
        traces = {}
        for trace in figure.data:
            if f"{letter}axis" in trace and (name := getattr(trace, f"{letter}axis") or letter):
                traces.setdefault(name, []).append(trace)
        for name, carried in traces.items():
            yield letter, figure.layout[f"{letter}axis{name[1:]}"], carried


def numeric(axis, letter, traces):
    """Return whether an axis shows numbers: no dates, no classes, no words in their place."""
    if axis.type in ("category", "date") or axis.ticktext is not None or axis.visible is False:
        return False
    if axis.showticklabels is False or (axis.ticksuffix or "") == "°":
        return False
    dates = any(trace.x0 is not None for trace in traces if letter == "x" and "x0" in trace)
    values = [v for t in traces for v in np.ravel([] if t[letter] is None else t[letter])[:3] if v is not None]
    return not dates and all(isinstance(v, int | float | np.number) for v in values) and bool(values)


def title_of(figure, axis):
    """Return the title of an axis, else that of its panel and, of panels beside each other, of the first axis."""
    if axis.title.text or not axis.anchor:
        return axis.title.text or ""
    across = figure.layout[f"{axis.anchor[0]}axis{axis.anchor[1:]}"]
    domains = (across.domain, axis.domain) if axis.anchor.startswith("x") else (axis.domain, across.domain)
    for note in figure.layout.annotations if all(domains) else ():
        if note.xref == "paper" and np.allclose([note.x, note.y], [np.mean(domains[0]), domains[1][1]], atol=0.01):
            return f"{note.text} {figure.layout.yaxis.title.text or ''}".strip()
    return ""


def unit_of(title):
    """Return the unit in brackets at the end of a title, None where there is none."""
    found = re.search(r"\[([^\]]+)\]$", title or "")
    return found.group(1) if found else None


def colours_in(part, inside=False):
    """Yield every colour of a figure as plotly is told it."""
    if isinstance(part, dict):
        for key, value in part.items():
            yield from colours_in(value, key.endswith(("color", "colorscale")))
    elif isinstance(part, list | tuple | np.ndarray) and not isinstance(part, str):
        for value in part:
            yield from colours_in(value, inside)
    elif inside and isinstance(part, str):
        yield part


def test_each_figure_has_a_case_here():
    """A new figure is added to ``figure_cases``: it is then looked at as the others are."""
    assert drawn_by_the_package() == set(CASES)


def test_axes_name_what_they_show_and_its_unit(charts):
    for figure in charts:
        for letter, axis, traces in axes_of(figure):
            title = title_of(figure, axis)
            assert "m-2" not in title
            if not numeric(axis, letter, traces):
                continue
            assert re.match(r"[^\[]*\w", title), f"{letter} names no quantity: {title!r}"
            unit = "%" if (axis.tickformat or "").endswith("%") else unit_of(title)
            assert unit in UNITS if unit else BARE.search(title), title
        bars = [t.marker.colorbar for t in figure.data if "marker" in t and "colorbar" in t.marker]
        bars += [t.colorbar for t in figure.data if "colorbar" in t]
        for title in (bar.title.text for bar in bars if bar.title.text):
            assert re.match(r"[^\[]*\w", title), f"a colour bar names no quantity: {title!r}"
            assert unit_of(title.split("<br>− ")[0]) in UNITS | {None}, title


def test_every_hover_says_what_where_and_in_which_unit(charts):
    figure = charts[0]
    # There the moment is told once for all series, and each box or line names its own.
    unified = (figure.layout.hovermode or "").startswith("x")
    for trace in figure.data:
        if trace.hoverinfo == "skip" or ("x" in trace and trace.x is not None and list(trace.x) == [None]):
            continue
        if trace.type == "box" and trace.hoveron != "points":
            # plotly writes the hover of a box itself, by the format of the axis.
            assert figure.layout.yaxis.hoverformat
            assert trace.name
            continue
        template = trace.hovertemplate
        assert template, f"{trace.name}: no hover of its own"
        said = template.split("<extra>")[0]
        if "<extra>" not in template:
            assert trace.name, "the box would say 'trace 0'"
        if not unified:
            # Where or when: what; or words of its own, as the name of a tower alone.
            assert ": " in PLACEHOLDER.sub("", said) or said in ("%{hovertext}", "%{text}"), template
        for name, at, digits in PLACEHOLDER.findall(said):
            assert digits or not raw(trace, name, at), f"{template}: {name} without digits"
        for unit in units_told(figure, trace, said):
            assert unit in PLACEHOLDER.sub("", said), f"{template} does not say {unit}"


def raw(trace, name, at):
    """Return whether a placeholder stands for numbers with a fraction, which would be written with all digits."""
    values = np.asarray(trace[name], dtype=object)
    values = np.array([row[int(at)] for row in values], dtype=object) if at else values
    return any(isinstance(v, float | np.floating) and np.isfinite(v) and v != int(v) for v in values.ravel())


def units_told(figure, trace, said):
    """Yield the units of the axes and colours whose numbers a hover tells."""
    for letter in "xy":
        if f"%{{{letter}" in said and f"{letter}axis" in trace:
            axis = figure.layout[f"{letter}axis{(getattr(trace, f'{letter}axis') or letter)[1:]}"]
            if unit := unit_of(axis.title.text):
                yield unit
    if "%{z" in said and trace.colorbar.title.text and (unit := unit_of(trace.colorbar.title.text.split("<br>− ")[0])):
        yield unit


def test_colours_can_be_read(charts):
    for figure in charts:
        parts = figure.to_plotly_json()
        parts["layout"].pop("template")
        assert not [colour for colour in colours_in(parts) if not COLOUR.fullmatch(colour)]


def test_series_of_one_figure_differ_for_colour_blind_readers(charts):
    for figure in charts:
        looks = {}
        for trace in figure.data:
            drawn = "x" not in trace or trace.x is None or list(trace.x) != [None]
            if drawn and trace.name and trace.showlegend is not False and trace.type.startswith("scatter"):
                line = "lines" in (trace.mode or "")
                colour = trace.line.color if line else trace.marker.color
                if isinstance(colour, str):
                    sign = trace.marker.symbol if "markers" in trace.mode else None
                    size = trace.fill or ""
                    key = (trace.mode, trace.line.dash if line else None, str(sign), size)
                    looks.setdefault(key, {})[trace.name] = colour
        for alike in looks.values():
            for (one, first), (other, second) in itertools.combinations(alike.items(), 2):
                assert apart(first, second) > 20, f"{one} and {other} are told by hue alone: {first}, {second}"


def apart(first, second):
    """Return how far two colours are from each other for red- or green-blind eyes, the nearer: difference in CIELAB."""
    seen = [blind(colour) for colour in (first, second)]
    return min(np.linalg.norm(a - b) for a, b in zip(*seen, strict=True))


def blind(colour):
    """Return a colour in CIELAB as protanopes and deuteranopes see it (Viénot et al. 1999)."""
    parts = re.findall(r"[\d.]+", colour) if colour.startswith("rgb") else None
    values = [float(v) for v in parts[:3]] if parts else [int(colour[i : i + 2], 16) for i in (1, 3, 5)]
    linear = (np.array(values) / 255) ** 2.2
    to_cones = np.array([[17.8824, 43.5161, 4.11935], [3.45565, 27.1554, 3.86714], [0.0299566, 0.184309, 1.46709]])
    cones, found = to_cones @ linear, []
    for row, kept in ((0, [0, 2.02344, -2.52581]), (1, [0.494207, 0, 1.24827])):
        lacking = cones.copy()
        lacking[row] = np.dot(kept, cones)
        found.append(lab(np.clip(np.linalg.solve(to_cones, lacking), 0, 1)))
    return found


def lab(linear):
    """Return linear sRGB in CIELAB (D65)."""
    to_xyz = np.array([[0.4124, 0.3576, 0.1805], [0.2126, 0.7152, 0.0722], [0.0193, 0.1192, 0.9505]])
    x, y, z = (v ** (1 / 3) if v > 0.008856 else 7.787 * v + 16 / 116 for v in to_xyz @ linear / [0.9505, 1, 1.089])
    return np.array([116 * y - 16, 500 * (x - y), 200 * (y - z)])


def test_colours_of_data_stand_in_one_place():
    root = Path(tamrl.figures.__path__[0])
    files = {str(p.relative_to(root)) for p in root.rglob("*.py") if re.search(r"#[0-9a-fA-F]{6}\b", p.read_text())}
    assert files <= PAINTED


@pytest.mark.parametrize("name", sorted(MAPS))
def test_maps_of_towers_tell_what_their_records_hold(drawn, name):
    for theme in THEMES:
        deck = drawn[name, theme]
        records = next(layer for layer in deck.layers if layer.id == "towers-0").data
        fields = re.findall(r"\{(\w+)\}", deck._tooltip["html"])
        assert {"site", "igbp", "koeppen"} <= set(fields)
        assert all(set(fields) <= set(record) for record in records)
