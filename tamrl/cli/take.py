"""What ``python -m tamrl adapt`` writes besides its NetCDF: report, notebook and model, as the Few-shot lab offers."""

from pathlib import Path

import click

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
