"""The choice of the support in the Few-shot lab: by date, by sliders, and by dragging on the chart."""

import datetime
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from tamrl import wording
from tamrl.app.shared import components, state, theme, widgets
from tamrl.app.shared.components import Origin
from tamrl.errors import TamrlError
from tamrl.figures.style import number, unit_label
from tamrl.figures.towers import series
from tamrl.protocol.support_days import SKIP_DAYS, support_days
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.timestep import TimeStep, step_of
from tamrl.towers.quality import valid_days

if TYPE_CHECKING:
    pass

#: Valid days, or months, of support that are offered at most: two years.
MOST: dict[str, int] = {TimeStep.DAILY: 730, TimeStep.MONTHLY: 24}
#: Support days, or months, at first.
FIRST: dict[str, int] = {TimeStep.DAILY: 30, TimeStep.MONTHLY: 6}
_CHART, _FIELD = "support_chart", "lab_first_day"


def section(site: str, tower: xr.Dataset, origin: Origin, first: datetime.date | None = None) -> pd.DatetimeIndex:
    """Draw the choice of the support days, or months, by sliders and on the chart, and return them.

    Args:
        site: tower.
        tower: Dataset(time), its record.
        origin: where the data come from.
        first: first day at first; None takes the first valid one after 180 days of record.

    Raises:
        TamrlError: the tower has no valid day or month.
    """
    time, step = pd.DatetimeIndex(tower["time"].values), step_of(tower)
    valid = _valid(site, tower)
    start, days = _choices(time, valid, step, first)
    support = support_days(tower, days, skip=int(time.searchsorted(pd.Timestamp(start))))
    flux = _support_flux(step)
    if not np.isfinite(tower[flux].values).any():
        widgets.tell(
            f"The record of {components.plain(site)} has no {flux}. Choose another flux to see the support on."
        )
        st.caption(f"{text(support, step)}.")
        return support
    key = f"{_CHART}_{site}_{flux}"
    widgets.chart(
        st.container(),
        key,
        series.support_chart(tower, support, flux, theme.current()),
        _alt(site, tower, support, flux),
        key=key,
        selection_mode=("box", "lasso"),
        on_select=lambda: _from_chart(key, valid, MOST[step]),
    )
    st.caption(f"{text(support, step)}. Drag a box on the chart to choose others, or use the date and the sliders.")
    components.footer(
        f"{site}_support_{flux}", origin, lambda: tower[[flux, "NEE_QC"]].to_dataframe()[[flux, "NEE_QC"]].loc[support]
    )
    return support


def _alt(site: str, tower: xr.Dataset, support: pd.DatetimeIndex, flux: str) -> str:
    """Return the chart of the support in words: what is seen of the flux, and where the support lies in it."""
    step, unit = step_of(tower), unit_label(FLUX_UNIT)
    every, chosen = tower[flux].values, tower[flux].sel(time=support).values
    low, high = np.nanquantile(every, [0.05, 0.95]) if np.isfinite(every).any() else (np.nan, np.nan)
    mean = np.nanmean(chosen) if np.isfinite(chosen).any() else np.nan
    return (
        f"Observed {flux} of {site} and the support. 90 % of the values lie between {number(low)} and {number(high)} "
        f"{unit}. {text(support, step)}, with a mean of {number(mean)} {unit}."
    )


def text(support: pd.DatetimeIndex, step: TimeStep) -> str:
    """Return in words how many days, or months, the support has, and from when to when."""
    first, last = (wording.date(when, step) for when in (support.min(), support.max()))
    return f"{wording.counted(len(support), step, 'support')} from {first} to {last}"


def chosen(site: str, tower: xr.Dataset, first: datetime.date | None = None) -> pd.DatetimeIndex:
    """Return the support days, or months, that are chosen, without drawing the choice; see ``section``.

    Raises:
        TamrlError: the tower has no valid day or month.
    """
    time, step = pd.DatetimeIndex(tower["time"].values), step_of(tower)
    valid = _valid(site, tower)
    _, start = _start(time, valid, first)
    _, _, days = _days(valid, start, step)
    return support_days(tower, days, skip=int(time.searchsorted(pd.Timestamp(start))))


def _valid(site: str, tower: xr.Dataset) -> pd.DatetimeIndex:
    valid = pd.DatetimeIndex(tower["time"].values)[valid_days(tower)]
    if not len(valid):
        raise TamrlError(
            f"This tower has no valid {wording.unit(step_of(tower))}, so there is nothing to adapt to or to score",
            site,
            "Choose another tower, or ingest a record whose NEE quality reaches 0.7",
        )
    return valid


def _start(
    time: pd.DatetimeIndex, valid: pd.DatetimeIndex, first: datetime.date | None
) -> tuple[datetime.date, datetime.date]:
    """Return the first support day, or month, at first, and the one that is chosen.

    Both are valid ones: what is chosen between two of them is moved to the next. At first it is the first valid one
    after 180 days of record, so that the model has weather to start from.
    """
    low, high = valid[0].date(), valid[-1].date()
    default = min(max(low, first or (time[0] + pd.Timedelta(days=SKIP_DAYS)).date()), high)
    if state.asked("start") and not low <= state.get("start", default) <= high:
        state.leave_out("start")
    wanted = min(max(state.get("start", default), low), high)
    default, start = (valid[valid >= pd.Timestamp(when)][0].date() for when in (default, wanted))
    return default, start


def _days(valid: pd.DatetimeIndex, start: datetime.date, step: TimeStep) -> tuple[int, int, int]:
    """Return how many support days, or months, there are from ``start`` on at most and at first, and the choice."""
    most = int(min(MOST[step], (valid >= pd.Timestamp(start)).sum()))
    # At a short record half of it, so that some of it is left to score.
    usual = max(1, min(FIRST[step], most // 2))
    if state.asked("days") and not 1 <= state.get("days", usual) <= most:
        state.leave_out("days")
    return most, usual, min(max(state.get("days", usual), 1), most)


def _choices(
    time: pd.DatetimeIndex, valid: pd.DatetimeIndex, step: TimeStep, first: datetime.date | None
) -> tuple[datetime.date, int]:
    """Draw the choice of the first day, or month, and of how many; return both, within the record."""
    low, high = valid[0].date(), valid[-1].date()
    default, start = _start(time, valid, first)
    word = wording.unit(step)
    left, middle, right = st.columns([3, 1.8, 3] if step == TimeStep.DAILY else [1, 0.01, 1], gap="medium")
    if low < high:
        state.put("start", start if start != default else None)
        if step == TimeStep.DAILY:
            left.slider("First support day", low, high, format="YYYY-MM-DD", **state.bind("start", default))
            # Years on one slider are days a pixel: the field takes the day itself.
            st.session_state[_FIELD] = start
            middle.date_input(
                "First day",
                min_value=low,
                max_value=high,
                format="YYYY-MM-DD",
                key=_FIELD,
                on_change=lambda: state.put("start", st.session_state[_FIELD]),
            )
        else:
            months = [when.date() for when in valid]
            left.select_slider(
                "First support month", months, format_func="{:%Y-%m}".format, **state.bind("start", default)
            )
    most, usual, days = _days(valid, start, step)
    if most > 1:
        state.put("days", days if days != usual else None)
        right.slider(f"Support {word}s (valid {word}s)", 1, most, **state.bind("days", days))
    return start, days


def _support_flux(step: TimeStep) -> str:
    """Draw the choice of the flux on the chart of the support."""
    if state.get("flux") not in FLUXES:
        state.leave_out("flux")
    with st.container(horizontal=True, vertical_alignment="center", horizontal_alignment="distribute"):
        st.markdown(f"**Support {wording.unit(step, 0)}**", width="content")
        st.segmented_control("Flux", FLUXES, required=True, label_visibility="collapsed", **state.bind("flux", "NEE"))
    return state.get("flux", "NEE")


def _from_chart(key: str, valid: pd.DatetimeIndex, most: int) -> None:
    """Take the span of a box or lasso as the support."""
    chosen = selected_span(st.session_state[key].selection, valid, most)
    if chosen is not None:
        state.put("start", chosen[0])
        state.put("days", chosen[1])


def selected_span(
    selection: Any, valid: pd.DatetimeIndex, most: int = MOST[TimeStep.DAILY]
) -> tuple[datetime.date, int] | None:
    """Return the first valid day, or month, and how many lie inside a selection on the chart.

    Args:
        selection: streamlit's plotly selection, with ``box`` and ``lasso`` lists of ``{"x": [...]}``.
        valid: the valid days, or months, of the tower.
        most: largest number that may be chosen.

    Returns:
        None where nothing is selected or nothing valid lies inside.
    """
    shapes = [*selection.get("box", []), *selection.get("lasso", [])]
    if not shapes:
        return None
    # Streamlit hands dates over as text, or as milliseconds since 1970 where plotly did so.
    edges = [pd.Timestamp(x, unit="ms") if isinstance(x, (int, float)) else pd.Timestamp(x) for x in shapes[-1]["x"]]
    inside = valid[(valid >= min(edges)) & (valid <= max(edges))]
    return (inside[0].date(), min(len(inside), most)) if len(inside) else None
