"""What the runs of the Few-shot lab say beside each other, and why one did harm."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from tamrl import wording
from tamrl.figures.fingerprint import MONTH_NAMES
from tamrl.figures.style import number, unit_label
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.ui import lab

if TYPE_CHECKING:
    from tamrl.ui.lab_results import View

UNIT = unit_label(FLUX_UNIT)
#: Change of RMSE above which adapting is said to have done harm [%].
HARM = 2.0


def harm(view: "View") -> None:
    """Say why adapting did harm, where it did."""
    from tamrl.results import support_errors

    errors = support_errors(view.tower, view.result)
    worse = errors[errors["worse"] > HARM]
    if worse.empty:
        return
    said = ", ".join(f"{flux} RMSE {number(row['worse'], 0, True)} %" for flux, row in worse.iterrows())
    units, months = wording.unit(view.step, 0), sorted({when.month for when in view.support})
    lines = [f"**Adapting did harm here: {said}.** It takes what the support tells as true of the whole record."]
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
            "another season, may tell more."
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
        return ", the other way: what mends the one worsens the other."
    if abs(support) > 1.5 * abs(scored):
        return ": the correction that fits the support goes too far elsewhere."
    return ". The means agree, so it is the shape of the season or of single values that the support misleads about."


def table(view: "View") -> None:
    """List the adaptations of this session at this tower, so that methods and supports can be set side by side."""
    from tamrl.results import before_after

    same = lab.results_at(view.request)
    if len(same) < 2:
        return
    rows = []
    for request, result in same.items():
        scores = before_after(view.tower, result).set_index("flux")
        row = {"Shown": "●" if request == view.request else "", "Method": request.settings.method.capitalize(),
               "From": request.start, f"Support {wording.unit(view.step, 0)}": request.days,
               "Steps": request.settings.steps if request.settings.method in lab.TRAINED else None}  # fmt: skip
        for flux in FLUXES:
            after, before = scores.loc[flux, ["rmse_after", "rmse_before"]]
            row[f"{flux} RMSE"] = f"{number(after)} ({number(100 * (after / before - 1), 0, True)} %)"
        rows.append({**row, "n": int(scores["n"].max())})
    with st.expander(f"All {len(rows)} runs at this tower", icon=":material/compare_arrows:", expanded=True):
        st.dataframe(
            pd.DataFrame(rows), hide_index=True, key="lab_runs", placeholder="",
            alt="Method, support and RMSE of each flux after adapting, one run a row",
        )  # fmt: skip
        st.caption(
            f"RMSE in {UNIT} after adapting and its change from zero-shot, each on the n {wording.unit(view.step, 0)} "
            "outside its own support: runs with the same support are scored on the same ones. Kept in this session."
        )
