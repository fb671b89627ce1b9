"""Pieces that every page is made of: header, errors, figure with source line and downloads, legend, score cards."""

import html
import re
import tempfile
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
import xarray as xr

from tamrl import wording
from tamrl.data.netcdf import write_netcdf
from tamrl.data.steps import Step
from tamrl.errors import TamrlError
from tamrl.figures import style
from tamrl.figures.colours import CLASS
from tamrl.schema import FLUX_UNIT, IGBP, KOEPPEN
from tamrl.ui import visitor
from tamrl.ui.jobs import as_user_error

SIMULATED = "SIMULATED"
#: Characters of a name from an address that are shown.
_LONGEST_NAME = 40


@dataclass(frozen=True)
class Origin:
    """Where what a figure shows comes from.

    Attributes:
        text: the source line.
        simulated: whether the data were made by a model; then it says so wherever it appears.
    """

    text: str
    simulated: bool

    def line(self) -> str:
        """Return the source line with the mark of simulated data."""
        return f"{SIMULATED} data · {self.text}" if self.simulated and SIMULATED not in self.text else self.text

    def file(self, stem: str, suffix: str) -> str:
        """Return a file name that says where its content is simulated."""
        return f"{SIMULATED + '_' if self.simulated else ''}{stem}.{suffix}"


@contextmanager
def guarded() -> Iterator[None]:
    """Show an error of the block in the page, in three parts and without a traceback."""
    try:
        yield
    except Exception as error:
        show_error(as_user_error(error))


def show_error(error: TamrlError) -> None:
    """Show what is wrong, where, and what to do."""
    lines = [f"**{_plain(visitor.public(error.what))}**"]
    if error.where:
        where = visitor.public(error.where).replace("`", "'")
        lines.append(f"Where: `{where}`")
    if error.todo:
        lines.append(f"What to do: {_plain(visitor.public(error.todo))}")
    st.error("  \n".join(lines), icon=":material/error:")


def _plain(text: str) -> str:
    """Return text whose characters streamlit would read as maths or colour are kept as they are."""
    return text.replace("$", r"\$").replace("[", r"\[")


def quoted(text: str) -> str:
    """Return a name that an address gave as it may stand in a message: in quotes, short, on one line, no markup."""
    plain = "".join(sign if sign.isprintable() else "?" for sign in str(text))
    short = plain if len(plain) <= _LONGEST_NAME else plain[: _LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return "'" + re.sub(r"([\\`*_{}\[\]<>()#$~|:!&])", r"\\\1", short) + "'"


def page_header(title: str, lead: str, simulated: bool) -> None:
    """Write the title of a page, one line about it, and the badge of simulated data."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(title, width="content", anchor=False)
        if simulated:
            simulated_badge()
    st.caption(lead)


def simulated_badge() -> None:
    """Show that what is seen was made by a model."""
    st.badge(
        SIMULATED, icon=":material/science:", color="orange", help="Towers made by a simple model, not measurements"
    )


def class_legend(table: pd.DataFrame) -> None:
    """Show the colour, name and number of towers of each land-cover class of ``table``."""
    counts = table["igbp"].value_counts()
    items = "".join(
        f'<span><i style="background:{CLASS.get(c, CLASS["unknown"])}"></i>{html.escape(c)} '
        f"{html.escape(IGBP.get(c, ''))} ({counts[c]})</span>"
        for c in CLASS
        if c in counts
    )
    st.html(f'<div class="tamrl-legend" role="list" aria-label="Land-cover classes">{items}</div>')


def class_name(code: str) -> str:
    """Return an IGBP class as ``ENF · Evergreen needleleaf forest``."""
    return f"{code} · {IGBP[code]}" if code in IGBP else code


def climate_name(koeppen: str) -> str:
    """Return a Koeppen class with the name of its main group, ``Dfb (cold)``."""
    group = KOEPPEN.get(koeppen[:1])
    return f"{koeppen} ({group.lower()})" if group and koeppen != "unknown" else "unknown"


def figure(
    name: str,
    chart: go.Figure,
    alt: str,
    origin: Origin,
    frame: Callable[[], pd.DataFrame] | None = None,
    dataset: Callable[[], xr.Dataset] | None = None,
) -> None:
    """Show a figure with its source line and the downloads of its data.

    Args:
        name: stem of file names, and the key of the chart.
        chart: the figure.
        alt: the figure in words, for screen readers.
        origin: where the data come from.
        frame: makes the CSV when its button is pressed; None leaves the button out.
        dataset: likewise the NetCDF.
    """
    with st.container(key=f"figure-{name}", gap="xsmall"):
        st.plotly_chart(
            chart, theme=None, key=f"chart-{name}", config=style.config(origin.file(name, "svg")[:-4]), alt=alt
        )
        footer(name, origin, frame, dataset)


def footer(
    name: str,
    origin: Origin,
    frame: Callable[[], pd.DataFrame] | None = None,
    dataset: Callable[[], xr.Dataset] | None = None,
) -> None:
    """Show the source line and the download buttons below one figure or a row of figures."""
    with st.container(horizontal=True, vertical_alignment="center", gap="small", wrap=False):
        st.caption(f"Source: {_plain(origin.line())}", width="stretch")
        buttons = st.container(horizontal=True, gap="small", width="content")
    with buttons:
        if frame is not None:
            download("CSV", origin.file(name, "csv"), lambda: csv_bytes(frame(), origin), "text/csv", f"csv-{name}")
        if dataset is not None:
            download(
                "NetCDF", origin.file(name, "nc"), lambda: netcdf_bytes(dataset(), origin), "application/x-netcdf",
                f"nc-{name}",
            )  # fmt: skip


def download(label: str, file: str, data: Callable[[], bytes], mime: str, key: str) -> None:
    """Show a quiet button that makes ``data`` when it is pressed; the page does not rerun."""
    st.download_button(
        label, data, file_name=file, mime=mime, key=key, on_click="ignore", type="tertiary", icon=":material/download:"
    )


def csv_bytes(frame: pd.DataFrame, origin: Origin) -> bytes:
    """Return a table as CSV, UTF-8; lines that begin with ``#`` say where it comes from."""
    head = f"# {origin.line()}\n# fluxes in {FLUX_UNIT}, NEE negative = uptake\n"
    return (head + frame.to_csv(lineterminator="\n", float_format="%.6g")).encode()


def netcdf_bytes(dataset: xr.Dataset, origin: Origin) -> bytes:
    """Return a Dataset as NetCDF 4 with its source and whether it is simulated as attributes."""
    attrs = {"Conventions": "CF-1.11", "source": origin.line(), **dataset.attrs}
    attrs |= {"data_source": origin.line(), "simulated": int(origin.simulated)}
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "data.nc"
        write_netcdf(dataset.assign_attrs(attrs), path)
        return path.read_bytes()


def score_card(row: dict, step: Step = "1D") -> None:
    """Show RMSE, R2 and bias of one flux after adapting, and their change from zero-shot.

    Args:
        row: one row of ``tamrl.results.before_after``.
        step: of the record that is scored.
    """
    steps = f"{row['n']:,} d" if step == "1D" else wording.counted(row["n"], step)
    with st.container(border=True, key=f"scores-{row['flux']}"):
        st.markdown(f"**{row['flux']}** · {style.unit_label(FLUX_UNIT)} · n = {steps}")
        with st.container(horizontal=True, gap="small", horizontal_alignment="distribute", wrap=False):
            change = row["rmse_after"] - row["rmse_before"]
            share = 100 * change / row["rmse_before"] if row["rmse_before"] else np.nan
            _metric("RMSE", row["rmse_after"], f"{_signed(change)} ({share:+.0f} %)", "inverse", change)
            change = row["r2_after"] - row["r2_before"]
            _metric("R²", row["r2_after"], _signed(change), "normal", change)
            change = abs(row["bias_after"]) - abs(row["bias_before"])
            _metric("Bias", row["bias_after"], f"{_signed(change)} in size", "inverse", change)


def _metric(label: str, value: float, delta: str, colour: str, change: float) -> None:
    known = np.isfinite(value) and np.isfinite(change)
    shown = f"{value:.2f}".replace("-", "\N{MINUS SIGN}") if np.isfinite(value) else "\N{EN DASH}"
    moved = known and abs(change) >= 0.005
    st.metric(
        label,
        shown,
        delta if moved else "no change",
        delta_color=colour if moved else "off",
        delta_arrow="auto" if moved else "off",
        width="content",
    )


def _signed(value: float) -> str:
    """Return a change with its sign; streamlit reads a hyphen as a fall."""
    return f"{value:+.2f}"
