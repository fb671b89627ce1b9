"""The parts of the Few-shot lab that answer: scores and figures before and after adapting."""

from dataclasses import dataclass
from functools import cached_property
from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st
import xarray as xr

from tamrl import wording
from tamrl.data.steps import STEPS, Step, step_of
from tamrl.figures import adaptation as figures
from tamrl.figures import style
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.ui import components, lab, theme
from tamrl.ui.components import Origin

if TYPE_CHECKING:
    from tamrl.adapt import Adaptation

UNIT = style.unit_label(FLUX_UNIT)


@dataclass(frozen=True)
class View:
    """One result as the figures read it.

    Attributes:
        request: what was asked.
        result: what came out.
        tower: Dataset(time) of the tower's record.
        support: the support days, or months, that were asked for; never scored.
        origin: where the data come from.
    """

    request: lab.Request
    result: "Adaptation"
    tower: xr.Dataset
    support: pd.DatetimeIndex
    origin: Origin

    @property
    def step(self) -> Step:
        """The time step of the record."""
        return step_of(self.tower)

    @cached_property
    def scored(self) -> np.ndarray:
        """The days, or months, that are scored, bool (time,): valid and not support."""
        from tamrl.data.sequences import valid_days

        return valid_days(self.tower) & ~pd.DatetimeIndex(self.tower["time"].values).isin(self.result.support)

    @cached_property
    def means(self) -> dict[str, xr.Dataset]:
        """Ensemble means, Dataset(time), of ``zero-shot`` and ``adapted``."""
        return {"zero-shot": self.result.zero_shot.mean("member"), "adapted": self.result.adapted.mean("member")}

    def dataset(self) -> xr.Dataset:
        """Return observed, zero-shot and adapted fluxes as one CF Dataset."""
        from tamrl.results import adaptation_dataset

        return adaptation_dataset(self.tower, self.result, self.origin.simulated)

    def stem(self, what: str) -> str:
        """Return the stem of a file name."""
        length = wording.short(self.request.days, self.step)
        return f"{self.request.site}_{self.request.settings.method}_{length}_{what}"


def show(view: View, current: bool) -> None:
    """Draw everything about one result.

    Args:
        view: the result.
        current: whether it is the result of the settings that the page shows now.
    """
    _heading(view, current)
    _scores(view)
    _over_time(view)
    _per_flux(view)
    _spread_and_balance(view)
    if len(view.result.history):
        with st.expander("How the loss fell", icon=":material/trending_down:"):
            units = wording.unit(view.step, 0)
            st.caption(
                f"Each member is fitted twice: first without the held-back {units} (dotted), to see whether adapting "
                f"does harm there; then with all support {units}."
            )
            components.figure(
                view.stem("loss"), figures.loss_figure(view.result.history, theme.current()),
                "Loss of each member against the step.", view.origin, lambda: view.result.history,
            )  # fmt: skip


def _heading(view: View, current: bool) -> None:
    """Write what was done and how long it took."""
    result, settings, support = view.result, view.request.settings, view.support
    st.subheader("Before and after", anchor=False)
    done = [
        f"{view.request.site}, {settings.method}",
        lab.support_text(support, view.step),
        f"{len(result.adapted['member'])} members",
        f"{result.seconds:.1f} s on {result.device}",
    ]
    if settings.method in lab.TRAINED:
        done.insert(1, f"{settings.steps} steps at {settings.learning_rate:g}")
        done.append(f"shrinkage {np.mean(result.shrinkage):.2f} (0 = zero-shot, 1 = fully adapted; mean of members)")
    st.caption(" · ".join(done))
    if not current:
        st.info("This is the result of earlier settings. Press Adapt for the present ones.", icon=":material/history:")
    for note in result.notes:
        st.caption(f":material/info: {note}")


def _scores(view: View) -> None:
    """Draw one card a flux: RMSE, R2 and bias after adapting and their change."""
    from tamrl.results import before_after

    units = wording.unit(view.step, 0)
    rows = before_after(view.tower, view.result).to_dict("records")
    for column, row in zip(st.columns(len(rows), gap="small"), rows, strict=True):
        with column:
            components.score_card(row, view.step)
    if not any(row["n"] for row in rows):
        word = wording.unit(view.step)
        st.info(f"Every valid {word} is support, so none is left to score. Choose fewer support {word}s.",
                icon=":material/info:")  # fmt: skip
    st.caption(
        f"{STEPS[view.step].capitalize()} values of the ensemble mean at this one tower, on the n valid {units} "
        f"(QC ≥ 0.7) outside the support; R² is 1 − SSE/SST. Changes are from zero-shot on the same {units}. "
        f"RMSE and bias in {UNIT}."
    )


def _over_time(view: View) -> None:
    """Draw observed, zero-shot and adapted over time."""
    st.markdown("**Observed and predicted over time**")
    result = view.result
    components.figure(
        view.stem("predictions"),
        figures.comparison(view.tower, result.zero_shot, result.adapted, view.support, theme.current()),
        f"Observed, zero-shot and adapted GPP, RECO and NEE of {view.request.site} over time, the support shaded.",
        view.origin,
        lambda: view.dataset().to_dataframe(),
        view.dataset,
    )


def _per_flux(view: View) -> None:
    """Draw a row of scatters and a row of mean seasonal cycles, one a flux."""
    result = view.result
    st.markdown(f"**Predicted against observed, scored {wording.unit(view.step, 0)}**")
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        zero_shot, adapted = (view.means[role][flux].values for role in ("zero-shot", "adapted"))
        chart = figures.scatter(view.tower[flux].values, zero_shot, adapted, view.scored, flux, theme.current())
        _chart(column, view.stem(f"scatter_{flux}"), chart, f"Predicted against observed {flux}, with the 1:1 line.")
    components.footer(view.stem("scatter"), view.origin, lambda: scored_table(view))
    st.markdown(f"**Mean seasonal cycle, the same {wording.unit(view.step, 0)} in every line**")
    tables = {f: figures.season_table(view.tower, result.zero_shot, result.adapted, view.scored, f) for f in FLUXES}
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        chart = figures.season(tables[flux], flux, theme.current())
        _chart(column, view.stem(f"season_{flux}"), chart, f"Mean seasonal cycle of {flux}.")
    components.footer(
        view.stem("season"), view.origin, lambda: pd.concat(tables, names=["flux"]),
        lambda: pd.concat(tables, names=["flux"]).to_xarray(),
    )  # fmt: skip


def _spread_and_balance(view: View) -> None:
    """Draw the ensemble spread and the balance residual side by side."""
    result = view.result
    left, right = st.columns(2, gap="medium")
    with left:
        st.markdown("**Ensemble spread**")
        spreads = {
            r: figures.spread_table(p) for r, p in (("zero-shot", result.zero_shot), ("adapted", result.adapted))
        }
        components.figure(
            view.stem("spread"), figures.spread(result.zero_shot, result.adapted, theme.current()),
            "Quantiles over time of the standard deviation of the members, before and after.", view.origin,
            lambda: pd.concat(spreads, names=["state", "flux"]),
        )  # fmt: skip
    with right:
        st.markdown("**Carbon balance residual, NEE − (RECO − GPP)**")
        observed = float(np.nanmax(np.abs(figures.residual(view.tower)), initial=0.0))
        predicted = float(np.abs(figures.residual(result.adapted)).max())
        frame = pd.DataFrame(
            {"observed": figures.residual(view.tower), "adapted": figures.residual(view.means["adapted"])},
            index=pd.Index(view.tower["time"].values, name="time"),
        )
        components.figure(
            view.stem("balance"), figures.balance(view.tower, result.adapted, theme.current()),
            "Balance residual over time, observed and adapted.", view.origin, lambda: frame, lambda: frame.to_xarray(),
        )  # fmt: skip
        st.caption(f"Largest size: predicted (any member) {predicted:.2g}, observed {observed:.2g} {UNIT}.")


def _chart(column: st.delta_generator.DeltaGenerator, name: str, chart: object, alt: str) -> None:
    column.plotly_chart(chart, theme=None, key=f"chart-{name}", config=style.config(name), alt=alt)


def scored_table(view: View) -> pd.DataFrame:
    """Return observed, zero-shot and adapted fluxes of the scored days, or months, one a row [gC m-2 d-1]."""
    columns = {
        f"{flux}_{role}": values[flux].values
        for flux in FLUXES
        for role, values in (("observed", view.tower), *view.means.items())
    }
    return pd.DataFrame(columns, index=pd.Index(view.tower["time"].values, name="time"))[view.scored]
