"""The parts of the Few-shot lab that are taken away: the result as a report, as a notebook, and as a model."""

from pathlib import Path
from typing import TYPE_CHECKING

import streamlit as st

from tamrl.app.shared import cache, components, sidebar, visitor
from tamrl.app.shared.late import Late

if TYPE_CHECKING:
    from tamrl.app.lab.view import LabView
    from tamrl.figures.lab import report
    from tamrl.predict import notebook, provenance, saved
    from tamrl.predict.provenance import Run
else:
    report = Late("tamrl.figures.lab.report")
    notebook = Late("tamrl.predict.notebook")
    provenance = Late("tamrl.predict.provenance")
    saved = Late("tamrl.predict.saved")


def section(view: "LabView") -> None:
    """Draw the downloads of a result as a whole; each is made when its button is pressed."""
    # Made now: in the download, which is made apart from the page, nothing of the session is at hand.
    run, paths, name = _run(view), visitor.access().owner, view.stem("model")
    st.markdown("**Take it with you**")
    with st.container(horizontal=True, gap="medium", vertical_alignment="center", key="take"):
        components.download(
            "Report (HTML)",
            view.origin.file(view.stem("report"), "html"),
            lambda: _report(run),
            "text/html",
            "take_report",
        )
        components.download(
            "Notebook (ipynb)",
            view.origin.file(view.stem("notebook"), "ipynb"),
            lambda: _notebook(run, paths),
            "application/x-ipynb+json",
            "take_notebook",
        )
        components.download(
            "Adapted model (zip)",
            view.origin.file(view.stem("model"), "zip"),
            lambda: _model(run, name),
            "application/zip",
            "take_model",
        )
    st.caption(
        "The report is a single file that opens offline: figures, scores, settings, provenance, licences, citations, "
        "and a link that restores this view. The notebook repeats this adaptation with the Python package. The "
        "adapted model, once unpacked, gives the same predictions elsewhere: `tamrl predict --checkpoint`, or "
        "`tamrl.load_adapted`."
    )


def _run(view: "LabView") -> "Run":
    """Return the result with what it was made from; it is of the workspace and the model that the page shows."""
    return provenance.Run(
        workspace=sidebar.choice().workspace,
        ensemble=cache.model(Path(view.request.model[0])).for_site(view.request.site),
        adaptation=view.result,
        allow_gaps=view.request.gaps,
        url=view.address(),
    )


def _report(run: "Run") -> bytes:
    return report.report(run)


def _notebook(run: "Run", paths: bool) -> bytes:
    return notebook.notebook(run, paths)


def _model(run: "Run", name: str) -> bytes:
    return saved.zipped(run.adaptation, run.ensemble, name)
