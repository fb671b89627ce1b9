"""Scorecard: what a score can and cannot tell, and where the scores come from."""

import pandas as pd
import streamlit as st

from tamrl.app.shared import sizes, visitor
from tamrl.evaluation.results import Results, bundled


def show(results: Results) -> None:
    """Draw what a score can tell, and where these come from."""
    with st.expander("What this score can and cannot tell you", icon=":material/help:"):
        st.markdown(_LIMITS)
    with st.expander("Where these scores come from", icon=":material/history:"):
        said = results.manifest
        versions = said.get("versions")
        facts = {
            "Title": said.get("title"),
            "Made": said.get("created"),
            "Data": said.get("data"),
            "Members": said.get("members"),
            "Command": f"`{said['command']}`" if said.get("command") else None,
            "Versions": ", ".join(f"{k} {v}" for k, v in versions.items()) if isinstance(versions, dict) else versions,
            "Folder": f"`{results.path}`",
        }
        st.markdown("\n".join(f"- {name}: {visitor.public(str(value))}" for name, value in facts.items() if value))
        if results.path == bundled():
            st.markdown(_TOWERS)
        looks = said.get("looks") or []
        if looks:
            st.markdown("Evaluations on held-out towers:")
            sizes.table(
                pd.DataFrame(looks).astype(str),
                hide_index=True,
                key="looks",
                alt="History of evaluations on held-out towers",
            )


_TOWERS = """
The bundled daily model learnt from all of these towers. The monthly model behind the bundled maps learnt from a few
fewer, those with months enough of good quality; World, Place names the others.
"""
_LIMITS = """
**It can tell you**

- how far a model is from the measured fluxes at towers that took no part in its training, on days that no model saw;
- whether one model is better than another on the same towers and days, and at how many of them;
- what a number of labelled days at a place is worth.

**It cannot tell you**

- how good the model is where no tower stands. Towers are many in Europe and North America and few in the tropics, the
  Arctic and the mountains, and a median over towers is a median over where people built them;
- how good a national or global sum is: errors of neighbouring days and towers do not cancel as independent ones would;
- the truth of GPP and RECO: both are partitioned from NEE, so models are scored against another model's output there;
- the error of one tower on one day. A median says that half the towers are worse; see Distribution and Map;
- anything about the years after the records end, or about drivers of another source.

**Two sets of days.** Zero-shot is scored on all valid days of a tower, as in the tables of the field. Whatever has to
do with labels, zero-shot beside it included, is scored on the days outside the largest support, the same for every
model and number of days: learning curves and changes by labels start from another zero-shot value than the table.

**How to read it.** Every number names its statistic and its n. An interval is a 95 % bootstrap over towers: it covers
the sampling of towers, not that of training. R² is 1 − SSE/SST at one tower: it falls where the
flux hardly varies, even when the error is small; RMSE is large where fluxes are large. KGE is hard to read for NEE,
whose mean is near zero. Where fewer than five towers are left, and for site means, no interval is given.
"""
