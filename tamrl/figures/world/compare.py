"""Two fields against each other: how much land falls on each pair of values, and on each value of either."""

import numpy as np
import plotly.graph_objects as go
import xarray as xr

from tamrl.figures import hover
from tamrl.figures.colours import density_scale, rgba
from tamrl.figures.style import MUTED, SMALL_PX, Theme, one_to_one, style
from tamrl.figures.world.charts import UNIT, MapsLook, rounded, wrapped

_AREA = "10⁶ km²"
HEIGHT = 400


def density(table: xr.Dataset, first: MapsLook, second: MapsLook, flux: str, theme: Theme) -> go.Figure:
    """Return the land on each pair of values, with a logarithmic colour and the 1:1 line.

    Args:
        table: of ``tamrl.maps.aggregate.density``.
        first: the chosen maps, on the horizontal axis.
        second: the maps that they are compared with.
        flux: name of the flux.
        theme: light or dark.
    """
    area = table["area"].values
    filled = np.where(area > 0, area, np.nan)
    # Five powers of ten below the largest: what is rarer is a single cell.
    top = float(np.ceil(np.log10(np.nanmax(filled)))) if np.isfinite(filled).any() else 0.0
    ticks = [top - i for i in range(5)]
    said = hover.told(
        f"{first.label} %{{x:.2f}},<br>{second.label} {hover.value()}", f"<br>{hover.value(_AREA, 'customdata', '.2g')}"
    )
    figure = go.Figure(
        go.Heatmap(
            x=rounded(table["first"].values),
            y=rounded(table["second"].values),
            z=np.round(np.log10(filled), 2),
            zmin=ticks[-1],
            zmax=top,
            colorscale=density_scale(theme),
            hoverongaps=False,
            customdata=rounded(filled),
            colorbar=dict(
                title=dict(text=f"Land<br>[{_AREA}]", side="top", font_size=SMALL_PX),
                thickness=10,
                len=0.95,
                outlinewidth=0,
                tickvals=ticks,
                ticktext=[f"{10**t:g}" for t in ticks],
                tickfont=dict(size=SMALL_PX, color=MUTED[theme]),
            ),
            hovertemplate=said,
        )
    )
    ends = [float(table["first"][0]), float(table["first"][-1])]
    figure.add_trace(one_to_one(ends, theme))
    style(figure, theme, HEIGHT, hold=f"world-density-{flux}")
    figure.update_layout(margin_t=14)
    figure.update_xaxes(title_text=wrapped(f"{first.label}: {flux} [{UNIT}]", 44), constrain="domain", zeroline=False)
    figure.update_yaxes(
        title_text=wrapped(f"{second.label}: {flux} [{UNIT}]", 44), scaleanchor="x", constrain="domain", zeroline=False
    )
    return figure


def histograms(table: xr.Dataset, first: MapsLook, second: MapsLook, flux: str, theme: Theme) -> go.Figure:
    """Return the land on each value of either set of maps, as two outlines.

    Args:
        table: of ``tamrl.maps.aggregate.density``.
        first: the chosen maps.
        second: the maps that they are compared with.
        flux: name of the flux.
        theme: light or dark.
    """
    figure = go.Figure()
    for look, name in ((second, "second"), (first, "first")):
        figure.add_trace(
            go.Scatter(
                x=rounded(table[name].values),
                y=rounded(table[f"area_{name}"].values),
                name=look.label,
                mode="lines",
                line=dict(color=look.colour, width=2, shape="hvh", dash="solid" if name == "first" else "dash"),
                fill="tozeroy",
                fillcolor=rgba(look.colour, 0.12),
                hovertemplate=hover.told(hover.value(of="x"), hover.value(_AREA), look.label),
            )
        )
    style(figure, theme, HEIGHT, hold=f"world-histogram-{flux}")
    figure.update_xaxes(title_text=f"{flux} [{UNIT}]")
    figure.update_yaxes(title_text=f"Land [{_AREA}]", rangemode="tozero")
    return figure
