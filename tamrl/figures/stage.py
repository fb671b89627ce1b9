"""Any figure of the project made fit for projection: legible from the back row, and without controls."""

import plotly.graph_objects as go

from tamrl.figures.colours import ROLE
from tamrl.figures.style import INK, Theme

#: Times that lines and markers are larger than on a page, and the size of type [px], where the window is 720 px high.
SCALE, TYPE_PX = 1.8, 19
#: Ink and ground of a stage, 15 to 1 and more: a projector in a lit room takes most of what a screen has.
STAGE_INK = {"light": "#0b120e", "dark": "#ffffff"}
STAGE_GROUND = {"light": "#ffffff", "dark": "#0b0e0c"}
#: Lines of the grid, seen and no more.
STAGE_GRID = {"light": "#d4d2c8", "dark": "#3a443e"}
#: Colour of what is compared, as on the pages but with at least 4.5 to 1 on the ground of a stage.
STAGE_ROLE = {
    "light": {"observed": "#3b4252", "zero-shot": "#a35a00", "adapted": "#0067a3", "support": "#6f45c4"},
    "dark": {"observed": "#d5dae3", "zero-shot": "#ffc64d", "adapted": "#6cc4f5", "support": "#c3adf5"},
}


def staged(figure: go.Figure, theme: Theme, height: int, window: float = 1, room: int = 0) -> go.Figure:
    """Make a figure that ``style`` has given its look fit for a stage.

    Args:
        figure: changed in place and returned.
        theme: light or dark.
        height: height in px where the window is 720 px high.
        window: times that the window is larger, and all in the figure with it.
        room: height that is left beyond that, in px.
    """
    ink, kind, scale = STAGE_INK[theme], round(window * TYPE_PX), window * SCALE
    edge = kind // 2
    figure.update_layout(
        height=round(window * height) + room,
        font=dict(size=kind, color=ink),
        # What has a size of its own grows; the same for all, it would stay as small as on a page.
        legend=dict(font_size=kind, itemwidth=round(window * 40), itemsizing="trace"),
        margin=dict(l=edge, r=edge, t=2 * kind, b=edge),
        hovermode=False,
    )
    axis = dict(
        tickfont=dict(size=kind - 1, color=ink),
        title_font=dict(size=kind, color=ink),
        gridcolor=STAGE_GRID[theme],
        gridwidth=1.5 * window,
        linecolor=STAGE_GRID[theme],
        zerolinecolor=INK[theme],
        zerolinewidth=1.5 * window,
    )
    figure.update_xaxes(**axis, rangeselector=None)
    figure.update_yaxes(**axis)
    stronger = {ROLE[theme][role]: colour for role, colour in STAGE_ROLE[theme].items()}
    for trace in figure.data:
        for part, size in (("line", "width"), ("marker", "size")):
            if part in trace:
                look = trace[part]
                if size in look and look[size] is not None:
                    look[size] = scale * look[size]
                if look.color in stronger:
                    look.color = stronger[look.color]
    return figure
