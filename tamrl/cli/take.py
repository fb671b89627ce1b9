"""What ``python -m tamrl adapt`` writes besides its NetCDF: report, notebook and model, as the Few-shot lab offers."""

from pathlib import Path
from typing import TYPE_CHECKING

import click

if TYPE_CHECKING:
    from tamrl.predict.provenance import Run

report_option = click.option(
    "--report",
    type=click.Path(dir_okay=False, path_type=Path),
    help="HTML file to write: figures, scores, settings, provenance and citations, in one file.",
)
notebook_option = click.option(
    "--notebook",
    type=click.Path(dir_okay=False, path_type=Path),
    help="Jupyter notebook (.ipynb) to write, which repeats this with the Python package.",
)
model_option = click.option(
    "--save-model",
    "save_model",
    type=click.Path(file_okay=False, path_type=Path),
    help="Folder to write the adapted model to; predict reads it as --checkpoint.",
)
url_option = click.option(
    "--url",
    default="",
    help="Address of the page that shows the same, as copied from a browser; report and notebook then link to it.",
)


def write(run: "Run", report: Path | None, notebook: Path | None, save_model: Path | None) -> None:
    """Write what was asked for of an adaptation."""
    if report is not None:
        from tamrl.figures.lab.report import report as as_report

        _whole(report, as_report(run))
        click.echo(f"Report in {report}.")
    if notebook is not None:
        from tamrl.predict.notebook import notebook as as_notebook

        _whole(notebook, as_notebook(run))
        click.echo(f"Notebook in {notebook}.")
    if save_model is not None:
        from tamrl.predict.saved import save

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
