"""What adapting does at many towers: the distribution of the change in error, and its geography."""

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from tamrl.evaluation.results import METRICS
from tamrl.figures import hover
from tamrl.figures.colours import FLUX, rgba
from tamrl.figures.scorecard.map import scale
from tamrl.figures.style import GRID, INK, MUTED, Theme, style
from tamrl.figures.world.map import map_colours
from tamrl.figures.world.print import outline_rings
from tamrl.schema import FLUXES

#: Ends of the axis [%]: single towers beyond them are drawn there.
LOWEST, HIGHEST = -80.0, 80.0
#: Change from which a tower counts as improved or harmed [%].
BAND = 10.0
HEIGHT = 300
#: Part of the Earth on the map, degrees: south of it there is no tower.
_WEST_EAST, _SOUTH_NORTH = (-180, 180), (-58, 84)
_MAP_HEIGHT = 460


def distribution(table: pd.DataFrame, selected: str | None, theme: Theme) -> go.Figure:
    """Return one strip a flux: a point a tower at the change of its RMSE, with box and median.

    Args:
        table: of ``tamrl.predict.network.NetworkResult``.
        selected: tower whose points are ringed.
        theme: light or dark.
    """
    figure = go.Figure()
    for flux in FLUXES:
        rows = table[table["flux"] == flux].dropna(subset=["change"])
        colour = FLUX[theme][flux]
        chosen = (rows["site"] == selected).to_numpy()
        figure.add_trace(
            go.Box(
                x=rows["change"].clip(LOWEST, HIGHEST),
                y=[flux] * len(rows),
                orientation="h",
                name=flux,
                boxpoints="all",
                jitter=0.6,
                pointpos=0,
                width=0.7,
                line=dict(color=rgba(colour, 0.85), width=1.4),
                fillcolor=rgba(colour, 0.08),
                marker=dict(color=rgba(colour, 0.6), size=6),
                selectedpoints=list(np.flatnonzero(chosen)) if chosen.any() else None,
                selected=dict(marker=dict(size=12, color=colour)),
                unselected=dict(marker=dict(opacity=0.45)),
                customdata=rows[["site", "change", "rmse_before", "rmse_after"]],
                hovertemplate=hover.told("%{customdata[0]}", _change(1), flux),
                hoveron="points",
            )
        )
    figure.add_vrect(-BAND, BAND, fillcolor=MUTED[theme], opacity=0.12, line_width=0, layer="below")
    figure.add_vline(0, line=dict(width=1, dash="dot", color=MUTED[theme]))
    style(figure, theme, HEIGHT, hold="network")
    figure.update_layout(showlegend=False, margin_t=10)
    figure.update_xaxes(title_text="Change of RMSE by adapting [%]", range=[LOWEST * 1.05, HIGHEST * 1.05])
    figure.update_yaxes(autorange="reversed")
    return figure


def _change(at: int) -> str:
    """Return what is said of a tower on hover, whose change and RMSE stand in ``customdata`` from ``at``."""
    before, after = (f"customdata[{at + i}]" for i in (1, 2))
    change = hover.value("%", f"customdata[{at}]", "+.0f")
    return f"{change}<br>RMSE {hover.value('', before)} to {hover.value(of=after)}"


def change_map(table: pd.DataFrame, towers: pd.DataFrame, flux: str, theme: Theme) -> go.Figure:
    """Return a world map of towers coloured by the change of their RMSE, which needs no file of outlines beside it.

    Args:
        table: of ``tamrl.predict.network.NetworkResult``.
        towers: DataFrame(site) with ``lat, lon, igbp, koeppen``; a tower without a position is left out.
        flux: GPP, RECO or NEE.
        theme: light or dark.
    """
    rows = table[table["flux"] == flux].join(towers, on="site").dropna(subset=["lat", "lon", "change"])
    colours, low, high = scale(rows["change"].to_numpy(dtype=float), METRICS["rmse"], difference=True)
    figure = go.Figure(_land(theme))
    figure.add_trace(
        go.Scatter(
            x=rows["lon"],
            y=rows["lat"],
            mode="markers",
            marker=dict(
                color=rows["change"],
                colorscale=[[i / (len(colours) - 1), colour] for i, colour in enumerate(colours)],
                cmin=low,
                cmax=high,
                size=9,
                line=dict(color=INK[theme], width=0.8),
                colorbar=dict(
                    title=dict(text=f"Change of {flux} RMSE [%]", side="right"), thickness=10, len=0.8, outlinewidth=0
                ),
            ),
            customdata=rows[["site", "igbp", "koeppen", "change", "rmse_before", "rmse_after"]],
            hovertemplate=hover.told("%{customdata[0]} (%{customdata[1]}, %{customdata[2]})", _change(3), flux),
        )
    )
    style(figure, theme, _MAP_HEIGHT)
    figure.update_layout(showlegend=False, margin_t=10, hovermode="closest")
    figure.update_xaxes(range=_WEST_EAST, constrain="domain", showgrid=False, ticksuffix="\N{DEGREE SIGN}")
    figure.update_yaxes(
        range=_SOUTH_NORTH, scaleanchor="x", constrain="domain", showgrid=False, ticksuffix="\N{DEGREE SIGN}"
    )
    figure.update_xaxes(zeroline=False)
    figure.update_yaxes(zeroline=False)
    return figure


def _land(theme: Theme) -> go.Scatter:
    """Return the countries as one line: the pen is lifted between rings, where there is no number."""
    rings = np.concatenate([np.vstack([ring, [np.nan, np.nan]]) for ring in outline_rings()])
    return go.Scatter(
        x=rings[:, 0],
        y=rings[:, 1],
        mode="lines",
        fill="toself",
        fillcolor=map_colours(theme)["land"],
        line=dict(color=GRID[theme], width=0.6),
        hoverinfo="skip",
    )


def summary(table: pd.DataFrame) -> pd.DataFrame:
    """Return DataFrame(flux): median change, share of towers improved and harmed by ``BAND`` or more [%], towers.

    Args:
        table: of ``tamrl.predict.network.NetworkResult``.
    """
    rows = {}
    for flux in FLUXES:
        change = table.loc[table["flux"] == flux, "change"].dropna()
        rows[flux] = {
            "median": change.median(),
            "improved": 100 * (change <= -BAND).mean(),
            "harmed": 100 * (change >= BAND).mean(),
            "towers": len(change),
        }
    return pd.DataFrame(rows).T
