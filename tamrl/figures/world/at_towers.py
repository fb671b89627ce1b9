"""Maps at towers: what a product says of the cell of a tower against what the tower measured, month by month."""

import pandas as pd
import plotly.graph_objects as go

from tamrl.figures import hover
from tamrl.figures.colours import CLASS, CLASS_SIGN, OTHER_SIGN
from tamrl.figures.style import INK, Theme, style
from tamrl.figures.world.charts import UNIT, rounded, wrapped
from tamrl.schema import IGBP

#: Months that are drawn at most: more hide each other, and weigh.
MOST = 6000


def at_towers(table: pd.DataFrame, classes: dict[str, str], label: str, flux: str, theme: Theme) -> go.Figure:
    """Return observed against mapped months of one flux, coloured by the land cover of the tower, with the 1:1 line.

    Args:
        table: rows of one flux, see ``tamrl.maps.products.against_towers``; at most ``MOST`` of them are drawn.
        classes: tower -> IGBP class.
        label: name of the maps.
        flux: name of the flux.
        theme: light or dark.
    """
    shown = table if len(table) <= MOST else table.sample(MOST, random_state=0)
    cover = shown["site"].map(classes).fillna("unknown")
    figure = go.Figure()
    said = f"tower %{{x:.2f}}, map {hover.value()}"
    for igbp in (c for c in CLASS if (cover == c).any()):
        rows = shown[cover == igbp]
        figure.add_trace(
            go.Scattergl(
                x=rounded(rows["observed"].to_numpy()),
                y=rounded(rows["product"].to_numpy()),
                mode="markers",
                name=igbp,
                marker=dict(color=CLASS[igbp], symbol=CLASS_SIGN.get(igbp, OTHER_SIGN), size=5, opacity=0.65),
                customdata=[f"{site}, {month:%Y-%m}" for site, month in zip(rows["site"], rows["time"], strict=True)],
                hovertemplate=hover.told("%{customdata}", f"{said}<br>{IGBP.get(igbp, igbp)}"),
            )
        )
    both = shown[["observed", "product"]].to_numpy()
    ends = [float(both.min()), float(both.max())] if len(both) else [0.0, 1.0]
    figure.add_trace(
        go.Scatter(
            x=ends,
            y=ends,
            mode="lines",
            hoverinfo="skip",
            showlegend=False,
            line=dict(color=INK[theme], width=1.2, dash="dash"),
        )
    )
    style(figure, theme, 420, hold=f"world-towers-{flux}")
    figure.update_xaxes(title_text=f"Towers: {flux} [{UNIT}]", constrain="domain", zeroline=False)
    figure.update_yaxes(title_text=wrapped(f"{label}: {flux} [{UNIT}]", 44), zeroline=False)
    return figure
