"""What is taken away of the Few-shot lab for the whole network: report, notebook, and the table of scores."""

from typing import TYPE_CHECKING

import streamlit as st

from tamrl.app.shared import components, state, visitor
from tamrl.app.shared.components import Origin
from tamrl.app.shared.late import Late

if TYPE_CHECKING:
    from tamrl.figures.lab import network_report
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.cross_fitted import CrossFitted
    from tamrl.predict import network_notebook, network_run
    from tamrl.predict.network import NetworkResult
    from tamrl.predict.network_run import NetworkRun
    from tamrl.towers.workspace import Workspace
else:
    network_report = Late("tamrl.figures.lab.network_report")
    network_notebook = Late("tamrl.predict.network_notebook")
    network_run = Late("tamrl.predict.network_run")


def section(
    days: int,
    placement: str,
    result: "NetworkResult",
    workspace: "Workspace",
    model: "Ensemble | CrossFitted",
    origin: Origin,
) -> None:
    """Draw the downloads of a result as a whole, see ``NetworkRun``; each is made when its button is pressed."""
    # Made now: in the download, which is made apart from the page, nothing of the session is at hand.
    run = network_run.NetworkRun(
        workspace=workspace,
        model=model,
        result=result,
        days=days,
        placement=placement,
        url=state.address(scope="network", days=days, placement=placement, run=True),
    )
    paths, stem = visitor.access().owner, f"network_{placement}_{days}d"
    st.markdown("**Take it with you**")
    with st.container(horizontal=True, gap="medium", vertical_alignment="center", key="take_network"):
        components.download(
            "Report (HTML)",
            origin.file(f"{stem}_report", "html"),
            lambda: _report(run),
            "text/html",
            "take_network_report",
        )
        components.download(
            "Notebook (ipynb)",
            origin.file(f"{stem}_notebook", "ipynb"),
            lambda: _notebook(run, paths),
            "application/x-ipynb+json",
            "take_network_notebook",
        )
    st.caption(
        "The report is a single file that opens offline: map, distribution, the scores of each tower, settings, "
        "provenance, the licences and citations of exactly these towers, and a link that restores this view. The "
        "notebook repeats it with the Python package. The table of scores can be downloaded below the figure."
    )


def _report(run: "NetworkRun") -> bytes:
    return network_report.report(run)


def _notebook(run: "NetworkRun", paths: bool) -> bytes:
    return network_notebook.notebook(run, paths)
