"""One cell: its seasonal cycle in every product, what drives it, and the model before and after known months."""

from collections.abc import Mapping

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import xarray as xr
from plotly.subplots import make_subplots

from tamrl.figures import hover
from tamrl.figures.colours import DRIVER, ROLE, rgba
from tamrl.figures.style import HEAD_PX, INK, SMALL_PX, Theme, style, unit_label
from tamrl.figures.towers.fingerprint import MONTH_NAMES
from tamrl.figures.world.charts import MONTHS, UNIT, MapsLook, rounded
from tamrl.predict.monthly_means import BALANCE, GIVEN, SPLIT
from tamrl.schema import FLUXES, VARIABLES

HEIGHT = 360
_LABELS = {"before": "Zero-shot", "after": "Adapted to these months"}
_ROLES = {"before": "zero-shot", "after": "adapted"}
_DRIVERS = {"TA": "Temperature", "P_MON": "Precipitation", "SW_IN_POT": "Potential radiation"}
_DRIVER_UNITS = {"SW_IN_POT": "W m-2"}


def cycles(tables: Mapping[str, pd.DataFrame], drawn: Mapping[str, MapsLook], flux: str, theme: Theme) -> go.Figure:
    """Return the seasonal cycle of one cell in every product, with one standard deviation of the estimate as a band.

    Args:
        tables: key -> DataFrame(month) of ``value`` and, where known, ``sd`` [gC m-2 d-1]; the chosen maps last.
        drawn: key -> look.
        flux: name of the flux.
        theme: light or dark.
    """
    figure = go.Figure()
    for key, table in tables.items():
        look = drawn[key]
        if "sd" in table:
            _band(figure, table["value"] - table["sd"], table["value"] + table["sd"], look.colour, key)
        figure.add_trace(
            go.Scatter(
                x=list(table.index),
                y=rounded(table["value"]),
                mode="lines+markers",
                name=look.label,
                legendgroup=key,
                line=dict(color=look.colour, dash=look.dash, width=look.width),
                marker=dict(symbol=look.symbol, size=5),
                hovertemplate=hover.value(),
            )
        )
    style(figure, theme, HEIGHT, hold=f"cycles-{flux}")
    figure.update_layout(hovermode="x unified", legend_traceorder="reversed")
    _months(figure)
    figure.update_yaxes(title_text=f"{flux} [{UNIT}]")
    return figure


def _band(figure: go.Figure, low: pd.Series, high: pd.Series, colour: str, group: str, **place: int) -> None:
    month = list(low.index)
    figure.add_trace(
        go.Scatter(
            x=[*month, *month[::-1]],
            y=np.concatenate([rounded(low), rounded(high)[::-1]]),
            fill="toself",
            fillcolor=rgba(colour, 0.14),
            mode="lines",
            line_width=0,
            hoverinfo="skip",
            showlegend=False,
            legendgroup=group,
        ),
        **place,
    )


def _months(figure: go.Figure) -> None:
    figure.update_xaxes(tickvals=list(range(1, 13)), ticktext=list(MONTHS), range=[0.5, 12.5])
    figure.update_xaxes(unifiedhovertitle_text=hover.MONTH)


def drivers(table: xr.Dataset, theme: Theme) -> go.Figure:
    """Return what drives one cell by month: temperature, precipitation and potential radiation, one row each.

    Args:
        table: Dataset(month) of ``TA`` [degC], ``P_MON`` [mm d-1] and ``SW_IN_POT`` [W m-2].
        theme: light or dark.
    """
    figure = make_subplots(rows=3, cols=1, shared_xaxes=True, vertical_spacing=0.1)
    colour = DRIVER[theme]
    for row, name in enumerate(_DRIVERS, start=1):
        values, month = rounded(table[name].values), list(range(1, 13))
        unit = unit_label(_DRIVER_UNITS.get(name) or VARIABLES[name].unit)
        said = hover.told("%{customdata}", hover.value(unit, digits=".3~g"), _DRIVERS[name])
        common = dict(x=month, y=values, customdata=MONTH_NAMES, hovertemplate=said)
        trace = (
            go.Bar(marker=dict(color=rgba(colour, 0.75), cornerradius=2), **common)
            if name == "P_MON"
            else go.Scatter(mode="lines", line=dict(color=colour, width=2), **common)
        )
        figure.add_trace(trace, row=row, col=1)
        figure.update_yaxes(title_text=f"{_DRIVERS[name].replace(' ', '<br>')}<br>[{unit}]", nticks=4, row=row, col=1)
    style(figure, theme, HEIGHT, hold="drivers")
    figure.update_layout(showlegend=False, bargap=0.3, margin_t=14)
    figure.update_yaxes(title_font_size=SMALL_PX)
    _months(figure)
    return figure


def known(table: pd.DataFrame, theme: Theme) -> go.Figure:
    """Return the seasonal cycle of each flux before and after the model has seen the known months.

    The bands are 90 % intervals where the model is calibrated, else one standard deviation; filled diamonds are values
    that were given, hollow ones follow from others.

    Args:
        table: of ``tamrl.predict.monthly_means.adapt_months``.
        theme: light or dark.
    """
    figure = make_subplots(rows=1, cols=3, horizontal_spacing=0.06, subplot_titles=list(FLUXES))
    for column, flux in enumerate(FLUXES, start=1):
        place = {"row": 1, "col": column}
        for when, dash in (("before", "dash"), ("after", "solid")):
            colour, name = ROLE[theme][_ROLES[when]], f"{flux}_{when}"
            low, high = interval(table, name)
            _band(figure, low, high, colour, when, **place)
            figure.add_trace(
                go.Scatter(
                    x=list(table.index),
                    y=rounded(table[name]),
                    mode="lines",
                    name=_LABELS[when],
                    legendgroup=when,
                    showlegend=column == 1,
                    line=dict(color=colour, width=2.4, dash=dash),
                    hovertemplate=hover.value(),
                ),
                **place,
            )
        _points(figure, table, flux, theme, place)
    style(figure, theme, 340, hold="known-months")
    figure.update_layout(hovermode="x unified", margin_t=64, legend_y=1.12)
    figure.update_annotations(font=dict(size=HEAD_PX, color=INK[theme]))
    _months(figure)
    # Every third month: in a narrow window the letters of all would be turned.
    figure.update_xaxes(tickvals=[1, 4, 7, 10], ticktext=[MONTHS[m - 1] for m in (1, 4, 7, 10)], tickangle=0)
    figure.update_yaxes(title_text=f"Flux [{UNIT}]", col=1)
    return figure


def interval(table: pd.DataFrame, name: str) -> tuple[pd.Series, pd.Series]:
    """Return the ends of the 90 % interval of a column where known, else one standard deviation either side."""
    if f"{name}_low" in table:
        return table[f"{name}_low"], table[f"{name}_high"]
    return table[name] - table[f"{name}_spread"], table[name] + table[f"{name}_spread"]


def _points(figure: go.Figure, table: pd.DataFrame, flux: str, theme: Theme, place: dict[str, int]) -> None:
    """Mark the known months."""
    derived = table[[f"{name}_from" for name in FLUXES]].isin([BALANCE, SPLIT]).to_numpy().any()
    given = table[f"{flux}_from"] == GIVEN
    colour = ROLE[theme]["support"]
    for keep, label, symbol, some in (
        (given, "Known month, as given", "diamond", True),
        (~given, "Known month, from other fluxes", "diamond-open", derived),
    ):
        values = table[f"{flux}_known"].where(keep)
        figure.add_trace(
            go.Scatter(
                x=list(table.index),
                y=rounded(values),
                mode="markers",
                name=label,
                legendgroup=label,
                showlegend=bool(place["col"] == 1 and some),
                marker=dict(size=10, symbol=symbol, color=colour),
                hovertemplate=hover.value(),
            ),
            **place,
        )
