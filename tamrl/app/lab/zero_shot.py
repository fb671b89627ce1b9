"""What the model makes of the chosen tower before it has seen any of its labels."""

from typing import TYPE_CHECKING

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl import wording
from tamrl.app.lab.view import LabRequest
from tamrl.figures.style import number, unit_label
from tamrl.schema import FLUX_UNIT
from tamrl.timestep import step_of

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble


@st.cache_data(max_entries=200, show_spinner="Predicting zero-shot")
def _scores(
    workspace: tuple[str, int], model: tuple[str, int], site: str, _ensemble: "Ensemble", _tower: xr.Dataset
) -> pd.DataFrame:
    from tamrl.predict.tower import zero_shot_scores

    return zero_shot_scores(_ensemble, _tower)


def section(request: LabRequest, ensemble: "Ensemble", tower: xr.Dataset) -> None:
    """Draw one card a flux: the scores of zero-shot on all valid days, or months, of the record.

    Args:
        request: what the page shows.
        ensemble: that for this tower.
        tower: Dataset(time), its record.
    """
    table: pd.DataFrame = _scores(request.workspace, request.model, request.site, ensemble, tower)
    st.markdown(f"**Zero-shot at {request.site}, before any label**")
    unit = unit_label(FLUX_UNIT)
    for column, row in zip(st.columns(len(table), gap="small"), table.to_dict("records"), strict=True):
        with column, st.container(border=True, horizontal=True, gap="medium"):
            st.metric(f"{row['flux']} RMSE", number(row["rmse"]), width="content")
            st.metric("R²", number(row["r2"]), width="content")
            st.metric("Bias", number(row["bias"], 2, True), width="content")
    days = wording.counted(int(table["n"].max()), step_of(tower), "valid")
    st.caption(f"Ensemble mean on all {days}, as on the Scorecard. RMSE and bias in {unit}.")
