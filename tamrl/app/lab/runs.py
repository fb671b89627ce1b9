"""What the runs of the Few-shot lab say beside each other, and why one did harm."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from tamrl import wording
from tamrl.app.lab import inputs
from tamrl.app.shared import components, sizes, state, theme
from tamrl.figures.lab import runs as figures
from tamrl.figures.style import number, unit_label
from tamrl.figures.towers.fingerprint import MONTH_NAMES
from tamrl.predict.methods import METHODS
from tamrl.predict.output import before_after, compare_runs, support_errors
from tamrl.schema import FLUX_UNIT, FLUXES

if TYPE_CHECKING:
    from tamrl.app.lab.view import LabRequest, LabView
    from tamrl.predict.adapt import Adaptation
    from tamrl.timestep import TimeStep

UNIT = unit_label(FLUX_UNIT)
#: Change of RMSE above which adapting is said to have done harm [%].
HARM = 2.0


def harm(view: "LabView") -> None:
    """Say why adapting did harm, where it did."""
    errors = support_errors(view.result)
    worse = errors[errors["worse"] > HARM]
    if worse.empty:
        return
    said = ", ".join(f"{flux} RMSE {number(row['worse'], 0, True)} %" for flux, row in worse.iterrows())
    units, months = wording.unit(view.step, 0), sorted({when.month for when in view.support})
    lines = [f"**Adapting did harm here: {said}.** It assumes that the support represents the whole record."]
    for flux, row in worse.iterrows():
        if np.isfinite(row[["support", "scored"]].to_numpy(dtype=float)).all():
            lines.append(
                f"{flux}: zero-shot is {_off(row['support'])} in the support and {_off(row['scored'])} on the scored "
                f"{units}" + _moral(row["support"], row["scored"])
            )
    if len(months) < 12:
        names = ", ".join(MONTH_NAMES[month - 1] for month in months)
        lines.append(
            f"The support has {len(months)} of the 12 months of the year ({names}). More {units}, or {units} of "
            "another season, may help."
        )
    st.warning("  \n".join(lines), icon=":material/trending_up:")


def _off(error: float) -> str:
    """Return a mean error in words."""
    if abs(error) < 0.005:
        return "right on average"
    return f"{number(abs(error))} {UNIT} too {'high' if error > 0 else 'low'} on average"


def _moral(support: float, scored: float) -> str:
    """Return what a mean error in the support and on the scored days says of the harm."""
    if support * scored < 0 and min(abs(support), abs(scored)) >= 0.005:
        return ", with the opposite sign: what corrects the one worsens the other."
    if abs(support) > 1.5 * abs(scored):
        return ": the correction that fits the support is too large elsewhere."
    return ". The means agree, so it is the shape of the season, or single values, that the support misrepresents."


def table(view: "LabView") -> None:
    """List and draw the adaptations of this session at this tower, so that methods and supports stand side by side."""
    same = inputs.results_at(view.request)
    if len(same) < 2:
        return
    with st.expander(f"All {len(same)} runs at this tower", icon=":material/compare_arrows:", expanded=True):
        sizes.table(
            _rows(view, same),
            hide_index=True,
            key="lab_runs",
            placeholder="",
            alt="Method, support and RMSE of each flux after adapting, one run a row",
        )
        st.caption(
            f"RMSE in {UNIT} after adapting and its change from zero-shot, each on the n {wording.unit(view.step, 0)} "
            "outside its own support. Kept in this session."
        )
        _overlay(view, same)


def _rows(view: "LabView", same: "dict[LabRequest, Adaptation]") -> pd.DataFrame:
    """Return a row a run: what was asked, and the RMSE of each flux after adapting."""
    rows = []
    for request, result in same.items():
        scores = before_after(result).set_index("flux")
        row = {
            "Shown": "●" if request == view.request else "",
            "Method": METHODS[request.settings.method].label,
            "From": request.start,
            f"Support {wording.unit(view.step, 0)}": request.days,
            "Steps": request.settings.steps if METHODS[request.settings.method].descends else None,
        }
        for flux in FLUXES:
            after, before = scores.loc[flux, ["rmse_after", "rmse_before"]]
            row[f"{flux} RMSE"] = f"{number(after)} ({number(100 * (after / before - 1), 0, True)} %)"
        rows.append({**row, "n": int(scores["n"].max())})
    return pd.DataFrame(rows)


def name_of(request: "LabRequest", step: "TimeStep") -> str:
    """Return what tells a run from others at the same tower, in few words."""
    settings = request.settings
    said = [METHODS[settings.method].label, f"{wording.counted(request.days, step)} from {request.start}"]
    if METHODS[settings.method].descends:
        said.append(f"{settings.steps} steps at {settings.learning_rate:g}")
    return ", ".join([*said, "gaps predicted"] if request.gaps else said)


def _overlay(view: "LabView", same: "dict[LabRequest, Adaptation]") -> None:
    """Draw the runs one over another in time, and their errors against the size of their support."""
    newest = dict(list(same.items())[-figures.MOST :])
    runs = {name_of(request, view.step): result for request, result in newest.items()}
    flux = st.segmented_control(
        "Flux of these charts", FLUXES, default=state.get("flux", "NEE"), required=True, key="lab_runs_flux"
    )
    means = {name: result.adapted.mean("member") for name, result in runs.items()}
    errors = compare_runs(runs)
    mine = errors[errors["flux"] == flux]
    said = "; ".join(f"{row['run']} {number(row['rmse'])}" for _, row in mine.iterrows())
    count = wording.counted(int(mine["n"].iloc[0]), view.step)
    frame = pd.DataFrame({name: values[flux].values for name, values in means.items()})
    frame = frame.assign(observed=view.tower[flux].values, zero_shot=view.means["zero-shot"][flux].values)
    drawn = figures.overlay(view.tower, view.means["zero-shot"], means, view.support, flux, theme.current())
    components.figure(
        view.stem(f"runs_{flux}"),
        drawn,
        f"Runs at {view.request.site}, {flux} over time. RMSE in {UNIT} on the same {count}: {said}.",
        view.origin,
        lambda: frame.set_index(pd.Index(view.tower["time"].values, name="time")),
    )
    st.caption(f"Ensemble means. RMSE in {UNIT} on the same {count}, in the support of none of these runs: {said}.")
    _by_support(view, newest, errors, flux)


def _by_support(view: "LabView", newest: "dict[LabRequest, Adaptation]", errors: pd.DataFrame, flux: str) -> None:
    """Draw the errors against the size of the support, once a method was run with two sizes."""
    asked = {name_of(request, view.step): request for request in newest}
    kinds = {name: (METHODS[request.settings.method].label, request.days) for name, request in asked.items()}
    sizes = pd.Series([days for _, days in kinds.values()], [method for method, _ in kinds.values()])
    if sizes.groupby(level=0).nunique().max() < 2:
        return
    table = errors.assign(
        method=[kinds[run][0] if run in kinds else "Zero-shot" for run in errors["run"]],
        days=[kinds[run][1] if run in kinds else 0 for run in errors["run"]],
    )
    rows = table[table["flux"] == flux]
    if not rows["n"].any():
        return
    said = "; ".join(f"{r['method']}, {r['days']}: {number(r['rmse'])}" for _, r in rows.iterrows())
    components.figure(
        view.stem(f"runs_support_{flux}"),
        figures.by_support(table, flux, view.step, theme.current()),
        f"RMSE of {flux} at {view.request.site} against support {wording.unit(view.step, 0)}. {said}.",
        view.origin,
        lambda: table.set_index("run"),
    )
    st.caption(f"All on the same {wording.unit(view.step, 0)}; dotted: zero-shot.")
