"""Scores of towers on the world map, and the colours that they wear."""

import numpy as np
import pandas as pd
import pydeck as pdk

from tamrl.evaluation.results import Metric
from tamrl.figures.colours import ALGAE, CLASS, MATTER, PURPLE_ORANGE, rgb
from tamrl.figures.scorecard.names import number
from tamrl.figures.style import Theme
from tamrl.figures.towers.map import point_map
from tamrl.schema import IGBP, UNKNOWN

#: Ends of the colour scale: single far towers must not grey out the others.
_TAIL = 5
TOOLTIP = "<b>{site}</b> {igbp}, Köppen {koeppen}<br>{said}<br>{network}, {days} valid days"


def scale(values: np.ndarray, metric: Metric, difference: bool) -> tuple[tuple[str, ...], float, float]:
    """Return colours from low to high and the values at both ends.

    Differences and bias are centred on zero, orange where TAM-RL's error is larger, purple where it is smaller.

    Args:
        values: one a tower.
        metric: the score.
        difference: whether the values are changes against a reference.
    """
    known = values[np.isfinite(values)]
    if not known.size:
        return ALGAE, 0.0, 1.0
    if difference or metric.best == "zero":
        end = float(np.percentile(np.abs(known), 100 - _TAIL)) or 1.0
        better_high = difference and metric.best == "high"
        return PURPLE_ORANGE[::-1] if better_high else PURPLE_ORANGE, -end, end
    low, high = (float(x) for x in np.percentile(known, [_TAIL, 100 - _TAIL]))
    # The lightest and the darkest step would drown in land and sea.
    colours = (MATTER if metric.best == "low" else ALGAE)[1:-2]
    return colours, low, high if high > low else low + 1


def colours_of(values: np.ndarray, colours: tuple[str, ...], low: float, high: float) -> list[list[int]]:
    """Return the colour of each value, interpolated; grey where it is missing."""
    table = np.array([rgb(c)[:3] for c in colours], dtype=float)
    place = np.clip((values - low) / (high - low), 0, 1) * (len(colours) - 1)
    steps = np.arange(len(colours))
    mixed = np.column_stack([np.interp(np.nan_to_num(place), steps, table[:, i]) for i in range(3)])
    return [
        [*(round(c) for c in row), 235] if np.isfinite(value) else rgb(CLASS[UNKNOWN], 150)
        for row, value in zip(mixed, values, strict=True)
    ]


def score_map(
    table: pd.DataFrame,
    column: str,
    said: str,
    colours: tuple[tuple[str, ...], float, float],
    selected: str | None,
    theme: Theme,
    turn: int = 0,
    height: int = 430,
) -> pdk.Deck:
    """Return the world map of towers coloured by a score.

    Args:
        table: DataFrame(site) with ``lat, lon, igbp, koeppen, network, days`` and the score.
        column: the score.
        said: what the score is, for the tooltip; ``{}`` takes the number.
        colours: of ``scale``.
        selected: tower that is ringed.
        theme: light or dark.
        turn: see ``tamrl.figures.towers.map.point_map``.
        height: height in px.
    """
    known = table.dropna(subset=["lat", "lon"])
    tints = colours_of(known[column].to_numpy(dtype=float), *colours)
    records = [
        {
            "site": site,
            "igbp": IGBP.get(row["igbp"], row["igbp"]),
            "koeppen": row["koeppen"],
            "network": row["network"],
            "days": f"{int(row['days']):,}",
            "said": said.format(number(row[column])),
            "position": [row["lon"], row["lat"]],
            "colour": tint,
        }
        for (site, row), tint in zip(known.iterrows(), tints, strict=True)
    ]
    return point_map(records, selected, theme, TOOLTIP, height, turn)


def legend(colours: tuple[str, ...], low: float, high: float, title: str, digits: int) -> str:
    """Return the colour bar of the map as HTML: title with unit, both ends and the middle."""
    middle = (low + high) / 2
    ends = "".join(f"<span>{number(value, digits)}</span>" for value in (low, middle, high))
    bar = f"height:.6rem;border-radius:.3rem;background:linear-gradient(90deg,{','.join(colours)})"
    return (
        f'<div role="img" aria-label="{title}: colours from {low:.3g} to {high:.3g}" '
        f'style="font-size:var(--tamrl-small);max-width:22rem">{title}<div style="{bar}"></div>'
        f'<div style="display:flex;justify-content:space-between">{ends}</div></div>'
    )
