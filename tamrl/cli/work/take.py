"""Write the report, the notebook and the model of an adaptation."""

from pathlib import Path

import click

from tamrl.figures.lab.report import report as as_report
from tamrl.predict.notebook import notebook as as_notebook
from tamrl.predict.provenance import Run
from tamrl.predict.saved import save


def write(run: Run, report: Path | None, notebook: Path | None, save_model: Path | None) -> None:
    """Write what was asked for of an adaptation."""
    if report is not None:
        _whole(report, as_report(run))
        click.echo(f"Report in {report}.")
    if notebook is not None:
        _whole(notebook, as_notebook(run))
        click.echo(f"Notebook in {notebook}.")
    if save_model is not None:
        save(run.adaptation, run.ensemble, save_model)
        click.echo(f"Adapted model in {save_model}.")


def _whole(file: Path, content: bytes) -> None:
    """Write a file so that what is there is the old one or the whole new one."""
    file.parent.mkdir(parents=True, exist_ok=True)
    partial = file.with_name(f".{file.name}.partial")
    try:
        partial.write_bytes(content)
        partial.replace(file)
    finally:
        partial.unlink(missing_ok=True)
