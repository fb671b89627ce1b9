"""Pieces that every page is made of: header, errors, figure with source line and downloads, legend, score cards."""

import re
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any, Literal

import numpy as np
import pandas as pd
import plotly.graph_objects as go
import streamlit as st
import xarray as xr
from pandas.io.formats.style import Styler

from tamrl import wording
from tamrl.app.shared import explain, figure_download, files, state, tour, visitor
from tamrl.app.shared.files import SIMULATED, Origin
from tamrl.app.shared.jobs import as_user_error
from tamrl.app.shared.widgets import chart, legend
from tamrl.errors import TamrlError
from tamrl.figures import style
from tamrl.figures.colours import CLASS, CLASS_SIGN, GLYPHS, OTHER_SIGN
from tamrl.schema import FLUX_UNIT, IGBP, KOEPPEN
from tamrl.timestep import TimeStep

#: Characters of a name from an address that are shown.
_LONGEST_NAME = 40
#: Which values of a score are better: low, high, or near zero.
Better = Literal["low", "high", "zero"]


@contextmanager
def guarded() -> Iterator[None]:
    """Show an error of the block in the page, in three parts and without a traceback."""
    try:
        yield
    except Exception as error:
        show_error(as_user_error(error))


def show_error(error: TamrlError) -> None:
    """Show what is wrong, where, and what to do."""
    lines = [f"**{plain(visitor.public(error.what))}**"]
    if error.where:
        lines.append(f"Where: {_code(visitor.public(error.where))}")
    if error.todo:
        lines.append(f"What to do: {plain(visitor.public(error.todo))}")
    st.error("  \n".join(lines), icon=":material/error:")


#: What stays code in a text that is otherwise shown letter by letter: the commands that messages name.
_COMMAND = re.compile(r"(`python -m tamrl[^`\n]*`)")
#: What Markdown and streamlit read as emphasis, code, maths, a link or a colour.
_MARKS = re.compile(r"[\\`*_~$\[\]<>]")


def plain(text: str) -> str:
    """Return Markdown that shows ``text`` letter by letter, but for the commands in backquotes that messages name."""
    parts = _COMMAND.split(" ".join(text.split()))
    return "".join(part if i % 2 else _MARKS.sub(r"\\\g<0>", part) for i, part in enumerate(parts))


def _code(text: str) -> str:
    """Return ``text`` as code in Markdown, fenced by more backquotes than it holds in a row itself."""
    fence = "`" * (1 + max((len(run) for run in re.findall("`+", text)), default=0))
    room = " " if "`" in text else ""
    return f"{fence}{room}{' '.join(text.split())}{room}{fence}"


def quoted(text: str) -> str:
    """Return a name that an address gave as it may stand in a message: in quotes, short, on one line, no markup."""
    printable = "".join(sign if sign.isprintable() else "?" for sign in str(text))
    short = printable if len(printable) <= _LONGEST_NAME else printable[: _LONGEST_NAME - 1] + "\N{HORIZONTAL ELLIPSIS}"
    return "'" + re.sub(r"([\\`*_{}\[\]<>()#$~|:!&])", r"\\\1", short) + "'"


def tell_left_out() -> None:
    """Say what of an address is not to be had here; the page shows what it begins with instead."""
    found = [f"{name} {quoted(text)}" for name, text in state.left_out().items()]
    if found:
        told = f"Of this address not known here, and left out: {', '.join(found)}."
        st.toast(told, icon=":material/link_off:", duration="long")


def page_header(title: str, lead: str, simulated: bool) -> None:
    """Write the title of a page, one line about it, and the badge of simulated data."""
    figure_download.begin()
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.title(title, width="content", anchor=False)
        if simulated:
            simulated_badge()
        tour.button(title)
    st.caption(lead)


def simulated_badge() -> None:
    """Show that what is seen was made by a model."""
    st.badge(
        SIMULATED, icon=":material/science:", color="orange", help="Towers made by a simple model, not measurements"
    )


def class_legend(table: pd.DataFrame, signs: bool = False) -> None:
    """Show the colour, name and number of towers of each land-cover class of ``table``.

    Args:
        table: ``igbp`` of each tower.
        signs: whether the kinds of vegetation differ in sign as well, see ``CLASS_SIGN``.
    """
    counts = table["igbp"].value_counts()
    items = []
    for code in (c for c in CLASS if c in counts):
        sign = GLYPHS[CLASS_SIGN.get(code, OTHER_SIGN) if signs else "circle"]
        items.append((sign, CLASS[code], f"{code} {IGBP.get(code, '')} ({counts[code]})".replace("  ", " ")))
    legend(items, "Land-cover classes")


def class_name(code: str) -> str:
    """Return an IGBP class as ``ENF · Evergreen needleleaf forest``."""
    return f"{code} · {IGBP[code]}" if code in IGBP else code


def climate_name(koeppen: str) -> str:
    """Return a Koeppen class with the name of its main group, ``Dfb (cold)``."""
    group = KOEPPEN.get(koeppen[:1])
    return f"{koeppen} ({group.lower()})" if group and koeppen != "unknown" else "unknown"


def figure(
    name: str,
    drawn: go.Figure,
    alt: str,
    origin: Origin,
    frame: Callable[[], pd.DataFrame] | None = None,
    dataset: Callable[[], xr.Dataset] | None = None,
    title: str = "",
) -> None:
    """Show a figure with its source line and the downloads of the figure and its data.

    Args:
        name: stem of file names, and part of the key of the chart.
        drawn: the figure.
        alt: the figure in words, for screen readers.
        origin: where the data come from.
        frame: makes the CSV when its button is pressed; None leaves the button out.
        dataset: likewise the NetCDF.
        title: of the saved picture; the first sentence of ``alt`` where empty.
    """
    figure_download.begin()
    with st.container(key=f"figure-{name}", gap="xsmall"):
        chart(st.container(), name, drawn, alt, title)
        footer(name, origin, frame, dataset)


def footer(
    name: str,
    origin: Origin,
    frame: Callable[[], pd.DataFrame] | None = None,
    dataset: Callable[[], xr.Dataset] | None = None,
) -> None:
    """Show the source line and the downloads below one figure or a row of figures.

    The picture holds the charts and legends that were drawn since the footer before, see ``figure_download``.
    """
    with st.container(horizontal=True, vertical_alignment="center", gap="small", key=f"footer-{name}"):
        st.caption(f"Source: {plain(origin.line())}", width="stretch")
        buttons = st.container(horizontal=True, gap="small", width="content", vertical_alignment="center")
    with buttons:
        explain.button(name)
        figure_download.button(name, origin.file(name, "")[:-1], origin.line(), origin.simulated)
        if frame is not None:
            as_table(name, frame, origin)
        if dataset is not None:
            as_dataset(name, dataset, origin)


def as_table(name: str, frame: Callable[[], pd.DataFrame], origin: Origin, key: str = "", label: str = "CSV") -> None:
    """Offer a table as CSV and as Parquet, made when they are asked for.

    Args:
        name: stem of the file names.
        frame: makes the table.
        origin: where the data come from.
        key: of the buttons, ``csv-<key>``; the name where empty.
        label: of the first button.
    """
    key, stored = key or name, origin.file(name, "parquet")
    download(label, origin.file(name, "csv"), lambda: files.csv(frame(), origin), files.CSV, f"csv-{key}")
    download("Parquet", stored, lambda: files.parquet(frame(), origin), files.PARQUET, f"parquet-{key}")


def as_dataset(name: str, dataset: Callable[[], xr.Dataset], origin: Origin, key: str = "") -> None:
    """Offer a Dataset as NetCDF and as zipped Zarr, made when they are asked for; see ``as_table``."""
    key, packed = key or name, origin.file(name, "zarr.zip")
    download("NetCDF", origin.file(name, "nc"), lambda: files.netcdf(dataset(), origin), files.NETCDF, f"nc-{key}")
    download("Zarr", packed, lambda: files.zarr(dataset(), origin), files.ZARR, f"zarr-{key}")


def download(label: str, file: str, data: Callable[[], bytes], mime: str, key: str) -> None:
    """Show a quiet button that makes ``data`` when it is pressed; the page does not rerun."""
    st.download_button(
        label, data, file_name=file, mime=mime, key=key, on_click="ignore", type="tertiary", icon=":material/download:"
    )


def score_card(row: dict[str, Any], step: TimeStep = TimeStep.DAILY) -> None:
    """Show RMSE, R2 and bias of one flux after adapting, and their change from zero-shot.

    Args:
        row: one row of ``tamrl.predict.output.before_after``.
        step: of the record that is scored.
    """
    steps = f"{row['n']:,} d" if step == TimeStep.DAILY else wording.counted(row["n"], step)
    with st.container(border=True, key=f"scores-{row['flux']}"):
        st.markdown(f"**{row['flux']}** · {style.unit_label(FLUX_UNIT)} · n = {steps}")
        with st.container(horizontal=True, gap="small", horizontal_alignment="distribute"):
            change = row["rmse_after"] - row["rmse_before"]
            share = 100 * change / row["rmse_before"] if row["rmse_before"] else np.nan
            signed = style.number(change, signed=True)
            _metric("RMSE", row["rmse_after"], f"{signed} ({style.number(share, 0, True)} %)", "low", change)
            change = row["r2_after"] - row["r2_before"]
            _metric("R²", row["r2_after"], style.number(change, signed=True), "high", change)
            change = abs(row["bias_after"]) - abs(row["bias_before"])
            _metric("Bias", row["bias_after"], f"|bias| {style.number(change, signed=True)}", "zero", change)


def _metric(label: str, value: float, delta: str, better: Better, change: float) -> None:
    known = np.isfinite(value) and np.isfinite(change)
    moved = known and abs(change) >= 0.005
    still = "no change" if known else "not scored"
    delta, look = (delta, delta_look(change, better)) if moved else (still, delta_look(0.0, better))
    st.metric(label, style.number(value, signed=better == "zero"), delta, width="content", **look)


def delta_look(change: float, better: Better, sure: bool = True) -> dict[str, Any]:
    """Return arrow and colour of a change beside a score, for ``st.metric``.

    They are named here since streamlit reads them from a hyphen, and numbers are written with a minus sign.

    Args:
        change: of the score, or of its size where the best is zero.
        better: which values are better.
        sure: whether it can be told from no change; grey where not.
    """
    if not change or not np.isfinite(change):
        return {"delta_arrow": "off", "delta_color": "gray"}
    good = (change > 0) == (better == "high")
    return {
        "delta_arrow": "up" if change > 0 else "down",
        "delta_color": ("green" if good else "red") if sure else "gray",
    }


def first_row(table: pd.DataFrame, name: str) -> pd.DataFrame:
    """Return a table with the row ``name`` first, where it has it: no table can be scrolled to a row from here."""
    return table.loc[sorted(table.index, key=lambda row: row != name)]


def numbers(frame: pd.DataFrame, formats: dict[str, tuple[int, bool, str]]) -> Styler:
    """Return a table for ``st.dataframe`` whose numbers are written with true minus signs and still sort as numbers.

    Args:
        frame: the table.
        formats: column -> digits after the point, whether a plus is written, and what follows the number; columns that
            the table lacks are skipped.
    """
    texts = {
        column: lambda value, how=how: "" if value is None or value != value else style.number(value, *how[:2]) + how[2]
        for column, how in formats.items()
        if column in frame
    }
    return frame.style.format(texts)
