"""Short names of maps, and charts in words."""

import numpy as np
import pandas as pd
import xarray as xr

from tamrl.app.world import alt
from tamrl.app.world.view import short_names
from tamrl.figures.world.charts import latitude


def test_short_names_are_what_parts_the_maps():
    labels = {
        "a": "TAM-RL, monthly climate",
        "b": "Random forest, FLUXCOM-style upscaling (ours)",
        "c": "First (SIMULATED)",
        "d": "Other, made up (SIMULATED)",
        "e": "TRENDY, CABLE",
        "f": "TRENDY, CLM5",
        "g": "FLUXCOM-X-BASE (v1)",
        "h": ",",
    }
    assert short_names(labels) == {
        "a": "TAM-RL",
        "b": "Random forest",
        "c": "First (SIMULATED)",
        "d": "Other (SIMULATED)",
        "e": "TRENDY, CABLE",
        "f": "TRENDY, CLM5",
        "g": "FLUXCOM-X-BASE",
        "h": ",",
    }


def test_charts_are_told_by_their_extremes():
    cycle = pd.Series([1.0, -2.5, 7.25, np.nan], index=[1, 2, 7, 8])
    said = alt.curves("Cycle", {"Ours": cycle, "Theirs": cycle * np.nan}, "gC", alt.month)
    assert said == "Cycle. Ours: highest 7.2 gC (July), lowest −2.5 gC (February). Theirs: no value."
    table = xr.DataArray(np.zeros((12, 3)), {"month": range(1, 13), "lat": [-45.0, 0.0, 45.0]}, ("month", "lat"))
    table[6, 2], table[0, 0] = 9.0, -3.0
    assert (
        alt.hovmoeller("Mean", table, "gC")
        == "Mean. Highest 9.0 gC at 45° N in July, lowest −3.0 gC at 45° S in January."
    )
    assert alt.hovmoeller("Mean", table * np.nan, "gC") == "Mean. No value."
    assert alt.amounts("Totals", {"Asia": 30.25, "Sea": np.nan}, "PgC") == "Totals. Asia 30.2 PgC."
    assert alt.amounts("Totals", {}, "PgC") == "Totals. No value."
    assert latitude(-30) == "30° S"
