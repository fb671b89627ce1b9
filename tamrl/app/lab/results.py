"""The parts of the Few-shot lab that answer: scores and figures before and after adapting."""

import numpy as np
import pandas as pd
import streamlit as st

from tamrl import wording
from tamrl.app.lab import runs, take
from tamrl.app.lab import support as lab_support
from tamrl.app.lab.view import LabView
from tamrl.app.shared import components, drawing, theme, widgets
from tamrl.figures.lab import adaptation as figures
from tamrl.figures.lab import diagnostics
from tamrl.figures.style import number, unit_label
from tamrl.predict.methods import METHODS
from tamrl.schema import FLUX_UNIT, FLUXES

UNIT = unit_label(FLUX_UNIT)
#: Residuals below this are those of rounding [gC m-2 d-1].
_ROUNDED = 1e-3


def show(view: LabView, current: bool, fresh: bool = False) -> None:
    """Draw everything about one result.

    Args:
        view: the result.
        current: whether it is the result of the settings that the page shows now.
        fresh: whether it was asked for in this run: its first figure is waited for.
    """
    _heading(view, current)
    _scores(view)
    runs.table(view)
    _over_time(view)
    if fresh:
        drawing.let_paint()
    if any(row["n"] for row in view.scores):
        _per_flux(view)
    _spread(view)
    _balance(view)
    if len(view.result.history):
        with st.expander("How the loss fell", icon=":material/trending_down:"):
            units = wording.unit(view.step, 0)
            st.caption(
                f"Each member is fitted twice: first without the held-back {units} (dotted), to see whether adapting "
                f"makes predictions worse there; then with all support {units}."
            )
            components.figure(
                view.stem("loss"),
                diagnostics.loss_figure(view.result.history, theme.current()),
                f"Loss of each member against the step. {len(view.result.adapted['member'])} members at "
                f"{view.request.site}, the fit and the held-back {units}.",
                view.origin,
                lambda: view.result.history,
            )
    take.section(view)


def _heading(view: LabView, current: bool) -> None:
    """Write what was done and how long it took."""
    result, settings, support = view.result, view.request.settings, view.support
    st.header("Before and after", anchor=False)
    done = [
        f"{view.request.site}, {METHODS[settings.method].label.lower()}",
        lab_support.text(support, view.step),
        f"{len(result.adapted['member'])} members",
        f"{result.seconds:.1f} s on {result.device}",
    ]
    if METHODS[settings.method].descends:
        done.insert(1, f"{settings.steps} steps at {settings.learning_rate:g}")
    if METHODS[settings.method].fits:
        kept = np.mean(result.shrinkage)
        done.append(f"share of the adaptation kept {kept:.2f} (0 = zero-shot, 1 = all of it; mean of members)")
    if view.request.gaps:
        done.append(f"{wording.unit(view.step, 0)} without weather predicted as well")
    st.caption(" · ".join(done))
    if not current:
        st.info("This result is for earlier settings. Press Adapt to update it.", icon=":material/history:")
    for note in result.notes:
        st.caption(f":material/info: {note}")


def _scores(view: LabView) -> None:
    """Draw one card a flux: RMSE, R2 and bias after adapting and their change."""
    units = wording.unit(view.step, 0)
    rows = view.scores
    for column, row in zip(st.columns(len(rows), gap="small"), rows, strict=True):
        with column:
            components.score_card(row, view.step)
    if not any(row["n"] for row in rows):
        widgets.tell(_unscored(view))
    runs.harm(view)
    st.caption(
        f"{view.step.adjective.capitalize()} values of the ensemble mean at this one tower, on the n valid {units} "
        f"(NEE_QC ≥ 0.7) outside the support; R² is 1 − SSE/SST. Changes are from zero-shot on the same {units}; "
        "for bias, the change of its absolute value. "
        f"RMSE and bias in {UNIT}."
    )


def _unscored(view: LabView) -> str:
    """Say why nothing is scored, and what to do."""
    word = wording.unit(view.step)
    if view.scored.any():
        return (
            f"No {word} that could be scored has a prediction: the weather is missing on each of them. Switch on "
            f"*Predict {word}s without weather* above, and adapt again."
        )
    return f"Every valid {word} is support, so none is left to score. Choose fewer support {word}s."


def _over_time(view: LabView) -> None:
    """Draw observed, zero-shot and adapted over time."""
    st.markdown("**Observed and predicted over time**")
    result = view.result
    components.figure(
        view.stem("predictions"),
        figures.comparison(view.tower, result.zero_shot, result.adapted, view.support, theme.current()),
        f"Observed, zero-shot and adapted fluxes of {view.request.site}. GPP, RECO and NEE one above the other over "
        f"time, the support shaded: {lab_support.text(view.support, view.step)}. {_scores_in_words(view)}",
        view.origin,
        lambda: view.dataset().to_dataframe(),
        view.dataset,
    )
    bands = {f"{f}_low" in p for f in FLUXES for p in (result.zero_shot, result.adapted)}
    if len(bands) == 2:
        st.caption(
            ":material/warning: The two bands are not the same thing: one is a calibrated 90 % interval, the other the "
            "standard deviation of the members alone, which is not calibrated and much narrower. A narrow band of "
            "this method does not mean a small uncertainty."
        )
    elif bands == {False}:
        st.caption("The bands are one standard deviation of the members, which is not calibrated.")


def _scores_in_words(view: LabView) -> str:
    """Return the RMSE of each flux before and after, for readers who do not see the figure."""
    said = "; ".join(f"{r['flux']} {number(r['rmse_before'])} to {number(r['rmse_after'])}" for r in view.scores)
    return f"RMSE from zero-shot to adapted in {UNIT}: {said}."


def _per_flux(view: LabView) -> None:
    """Draw a row of scatters and a row of mean seasonal cycles, one a flux."""
    result, site = view.result, view.request.site
    known = [row["flux"] for row in view.scores if row["n"]]
    st.markdown(f"**Predicted against observed, scored {wording.unit(view.step, 0)}**")
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        if flux not in known:
            with column:
                widgets.tell(f"No scored {wording.unit(view.step)} has {flux}.")
            continue
        zero_shot, adapted = (view.means[role][flux].values for role in ("zero-shot", "adapted"))
        chart = figures.scatter(view.tower, zero_shot, adapted, view.scored, flux, theme.current())
        words = f"Predicted against observed {flux} of {site}. {_scores_in_words(view)} With the 1:1 line."
        widgets.chart(column, view.stem(f"scatter_{flux}"), chart, words)
    components.footer(view.stem("scatter"), view.origin, lambda: scored_table(view))
    st.markdown(f"**Mean seasonal cycle, the same {wording.unit(view.step, 0)} in every line**")
    tables = {f: figures.season_table(view.tower, result.zero_shot, result.adapted, view.scored, f) for f in FLUXES}
    for column, flux in zip(st.columns(3, gap="small"), FLUXES, strict=True):
        if flux not in known:
            continue
        chart = figures.season(tables[flux], flux, theme.current())
        widgets.chart(column, view.stem(f"season_{flux}"), chart, _season_in_words(tables[flux], flux, site))
    components.footer(
        view.stem("season"),
        view.origin,
        lambda: pd.concat(tables, names=["flux"]),
        lambda: pd.concat(tables, names=["flux"]).to_xarray(),
    )


def _season_in_words(table: pd.DataFrame, flux: str, site: str) -> str:
    """Return the lowest and highest point of each mean seasonal cycle."""
    said = f"Mean seasonal cycle of {flux} at {site}."
    for role in ("observed", "zero-shot", "adapted"):
        if table[role].notna().any():
            said += f" {figures.LABELS[role]} from {number(table[role].min())} to {number(table[role].max())} {UNIT}."
    return said


def _spread(view: LabView) -> None:
    """Draw the ensemble spread before and after."""
    result = view.result
    st.markdown("**Ensemble spread**, the standard deviation of the members")
    spreads = {
        r: diagnostics.spread_table(p) for r, p in (("zero-shot", result.zero_shot), ("adapted", result.adapted))
    }
    medians = {r: ", ".join(f"{f} {number(table.loc[f, 'p50'])}" for f in FLUXES) for r, table in spreads.items()}
    components.figure(
        view.stem("spread"),
        diagnostics.spread(result.zero_shot, result.adapted, theme.current()),
        f"Standard deviation of the members at {view.request.site}, before and after adapting. Medians over time in "
        f"{UNIT}: zero-shot {medians['zero-shot']}; adapted {medians['adapted']}.",
        view.origin,
        lambda: pd.concat(spreads, names=["state", "flux"]),
    )


def _balance(view: LabView) -> None:
    """Say how far the carbon balance is open; draw it only of a model that may leave it open."""
    result = view.result
    residual = diagnostics.residual(view.tower)
    observed = float(np.nanmax(np.abs(residual))) if np.isfinite(residual).any() else np.nan
    # Steps that are left out for want of weather have no prediction.
    predicted = float(np.nanmax(np.abs(diagnostics.residual(result.adapted)), initial=0.0))
    what = "Carbon balance residual, NEE − (RECO − GPP)"
    if predicted < figures.ROUNDING:
        st.caption(
            f"{what}: 0 by construction in every prediction, since NEE is computed as RECO − GPP. Largest absolute "
            f"value in the observations: {_largest(observed)}."
        )
        return
    st.markdown(f"**{what}**")
    said = f"Largest absolute value: predicted (any member) {_largest(predicted)}, observed {_largest(observed)}."
    frame = pd.DataFrame(
        {"observed": diagnostics.residual(view.tower), "adapted": diagnostics.residual(view.means["adapted"])},
        index=pd.Index(view.tower["time"].values, name="time"),
    )
    components.figure(
        view.stem("balance"),
        diagnostics.balance(view.tower, result.adapted, theme.current()),
        f"Balance residual over time, observed and adapted. {said}",
        view.origin,
        lambda: frame,
        lambda: frame.to_xarray(),
    )
    st.caption(said)


def _largest(value: float) -> str:
    """Return a residual with its unit; what is left by rounding needs no digits."""
    if np.isnan(value):
        return "none, since no value has all three fluxes"
    return f"{value:.2g} {UNIT}" if value >= _ROUNDED else f"below {_ROUNDED:g} {UNIT}"


def scored_table(view: LabView) -> pd.DataFrame:
    """Return observed, zero-shot and adapted fluxes of the scored days, or months, one a row [gC m-2 d-1]."""
    columns = {
        f"{flux}_{role}": values[flux].values
        for flux in FLUXES
        for role, values in (("observed", view.tower), *view.means.items())
    }
    return pd.DataFrame(columns, index=pd.Index(view.tower["time"].values, name="time"))[view.scored]
