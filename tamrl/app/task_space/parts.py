"""What the picked tower's embedding does: its way as the model learns more, the modulation, the decoded drivers."""

from typing import TYPE_CHECKING

import numpy as np
import pandas as pd
import streamlit as st

from tamrl import wording
from tamrl.app.shared import cache as shared
from tamrl.app.shared import components, sizes, theme, widgets
from tamrl.app.shared.late import Late
from tamrl.app.shared.widgets import pick, select
from tamrl.app.task_space import cache
from tamrl.app.task_space.view import SpaceView
from tamrl.figures.colours import ROLE
from tamrl.figures.style import number, unit_label
from tamrl.figures.task_space import decoded as decoded_figures
from tamrl.figures.task_space import modulation as modulation_figures
from tamrl.figures.task_space import space as space_figures
from tamrl.landcover import KOEPPEN_CLASSES
from tamrl.model.drivers import DERIVED
from tamrl.protocol.support_days import support_days
from tamrl.schema import IGBP_CLASSES, VARIABLES

if TYPE_CHECKING:
    from tamrl.predict import task_space
else:
    task_space = Late("tamrl.predict.task_space")

PARTS = {"path": "How it moves", "modulation": "Modulation", "decoded": "Decoded drivers"}
WAYS = {"labels": "Labels, read by the encoder", "fit": "Labels, fine-tuned", "drivers": "Drivers, no labels"}
_SAID = {
    "labels": "The encoder reads the fluxes of so many labelled days with the drivers, without a gradient step (the "
    "method Encoder of the lab, before its check on held-back days).",
    "fit": "Gradient steps move the embedding and the modulation until they fit the labelled days (the method "
    "Modulation of the lab). Shown is the embedding's part of it.",
    "drivers": "The encoder reads the first days of the record and no flux. The figure shows how soon it knows the "
    "place.",
}
#: In a narrow window figures of many panels are moved sideways.
_WIDE = """<style>@media (max-width: 640px) {
  .st-key-space_part [class*="st-key-figure-"] { overflow-x: auto; }
  .st-key-space_part [class*="st-key-figure-"] [data-testid="stPlotlyChart"] { min-width: 46rem; }
}</style>"""
#: Nearest and farthest places whose modulation is set beside that of the picked one.
_NEAR, _FAR = 7, 4


def section(view: SpaceView) -> None:
    """Draw the part that is chosen."""
    st.divider()
    part = pick("Of this tower", "part", list(PARTS), "path", PARTS.get, hidden=True)
    st.html(_WIDE)
    with st.container(key="space_part"):
        {"path": _path, "modulation": _modulation, "decoded": _decoded}[part](view)


def _has_record(view: SpaceView) -> bool:
    """Say whether the open workspace holds the record of the picked tower; else tell so."""
    if view.site in shared.towers(view.asked.workspace()).index:
        return True
    st.info(
        f"The record of {view.site} is not in the open workspace: the model keeps the embeddings of its training "
        "towers, not their data.",
        icon=":material/info:",
    )
    return False


def _path(view: SpaceView) -> None:
    """Draw how the embedding of the picked tower moves."""
    way = pick("What is added", "way", list(WAYS), "labels", WAYS.get)
    if not _has_record(view):
        return
    counts, codes = _way(view, way)
    units = wording.unit(view.step, 0)
    if not counts:
        st.info(f"{view.site} has too few valid {units} to learn from.", icon=":material/info:")
        return
    # Measured from the embedding without labels, or from that of the whole record.
    start = codes[:, -1:] if way == "drivers" else codes[:, :1]
    far = view.space.reference.apart(codes, start)[:, 0] / view.space.usual
    names = ["zero-shot" if not count else wording.counted(count, view.step) for count in counts]
    if way == "drivers":
        names[-1] = f"all {names[-1]}"
    steps = view.project(codes).assign(count=counts, label=names, far=far)
    _way_figures(view, way, steps)
    seen = "" if way == "drivers" or not view.table.loc[view.site, "trained"] else _SEEN.format(site=view.site)
    st.caption(
        f"{_SAID[way].replace('days', units)}{seen} **Site effect, the method of choice, does not move the embedding "
        "at all**: it adds a correction of the fluxes that is linear in the model's states and leaves encoder, "
        "embedding and modulation as they are."
    )


_SEEN = " The model was trained on {site}, so this shows what labels move, not how well that does."


def _way(view: SpaceView, way: str) -> tuple[list[int], np.ndarray]:
    """Return the steps of a way and the embeddings (K, S, Z) there; none where the tower has too few valid ones."""
    tower = shared.tower(view.asked.workspace(), view.site)
    if way == "drivers":
        counts = [count for count in task_space.DRIVERS[view.step] if count < tower.sizes["time"]]
        return [*counts, tower.sizes["time"]], cache.path(view.asked, view.site, way, tuple(counts))
    sizes = (task_space.FITTED if way == "fit" else task_space.LABELS)[view.step]
    valid = len(support_days(tower, max(sizes)))
    counts = [count for count in sizes if count <= valid]
    if not counts:
        return [], np.empty(0)
    codes = _fits(view, counts) if way == "fit" else cache.path(view.asked, view.site, way, tuple(counts))
    return [0, *counts], codes


def _way_figures(view: SpaceView, way: str, steps: pd.DataFrame) -> None:
    """Draw a way in the picture, and beside it how far it goes."""
    near = float(view.space.distances(view.site)[view.space.neighbours(view.site, 1)[0]])
    whence = "of the whole record" if way == "drivers" else "without labels"
    said = "; ".join(f"{name} {number(far)}" for name, far in zip(steps["label"], steps["far"], strict=True))
    first, last = steps.iloc[0], steps.iloc[-1]
    left, right = st.columns(2, gap="medium")
    widgets.chart(
        left,
        f"{view.site}_way_{way}",
        space_figures.way_picture(view.table, steps, view.axes, theme.current()),
        f"How the task embedding of {view.site} moves. From {first['label']} to {last['label']} it goes from "
        f"{_point(first)} to {_point(last)} in the picture.",
    )
    widgets.chart(
        right,
        f"{view.site}_far_{way}",
        space_figures.way_distance(
            steps, f"{'Record' if way == 'drivers' else 'Labelled'} {wording.unit(view.step, 0)}", near, theme.current()
        ),
        f"Distance from the embedding {whence}. In units of the usual distance between nearest towers: {said}. The "
        f"nearest other tower is {number(near)} away.",
    )
    components.footer(f"{view.site}_path_{way}", view.origin, lambda: steps.set_index("count"))


def _point(row: pd.Series) -> str:
    return f"{number(row['x'], 1)}, {number(row['y'], 1)}"


def _fits(view: SpaceView, counts: list[int]) -> np.ndarray:
    """Return zero-shot and each fit, one after the other; what is done stays done where the page is left."""
    rows = [cache.path(view.asked, view.site, "labels", ())]
    for count in counts:
        title = f"Fine-tuning with {wording.counted(count, view.step)}"
        rows.append(cache.fitted(view.asked, view.site, count, title))
    return np.concatenate(rows, axis=1)


def _modulation(view: SpaceView) -> None:
    """Draw the modulation of the picked tower beside that of its neighbours and of the places most unlike it."""
    members = view.space.places.codes.shape[0]
    with st.container(width=sizes.px(180)):
        member = select("Member", "member", list(range(1, members + 1)), 1, lambda i: f"Member {i}") - 1
    apart = view.space.distances(view.site)
    far = [view.space.sites[int(i)] for i in np.argsort(-apart)[:_FAR][::-1]]
    sites = list(dict.fromkeys([view.site, *view.near[:_NEAR], *far]))
    made = cache.modulation(view.asked, member, tuple(sites))._asdict()
    parts = {name: values.numpy() for name, values in made.items()}
    rows = [f"{site} {view.table.loc[site, 'igbp']}" for site in sites]
    like = {site: _correlation(parts, 0, i) for i, site in enumerate(sites) if i}
    said = ", ".join(f"{site} {number(value)}" for site, value in like.items())
    frame = pd.DataFrame(
        np.concatenate(list(parts.values()), axis=1),
        index=pd.Index(sites, name="site"),
        columns=[f"{name}_{i}" for name, values in parts.items() for i in range(values.shape[1])],
    )
    components.figure(
        f"{view.site}_modulation_{member + 1}",
        modulation_figures.heat_map(parts, rows, theme.current()),
        f"Modulation of {view.site}, its neighbours and the towers most unlike it. Correlation over all scales and "
        f"shifts with {view.site}: {said}.",
        view.origin,
        lambda: frame,
    )
    st.caption(
        "Scales γ and shifts β by which the embedding modulates the forward model that all places share for this one "
        f"place: 0 leaves a unit as it is. From the top: {view.site}, its nearest towers, and the {_FAR} most unlike "
        f"it. Correlation with {view.site}: {said}. Units of different members do not correspond, so one member is "
        "shown."
    )


def _correlation(parts: dict[str, np.ndarray], one: int, other: int) -> float:
    """Return the correlation of two rows over all parts."""
    a, b = (np.concatenate([values[row] for values in parts.values()]) for row in (one, other))
    return float(np.corrcoef(a, b)[0, 1]) if a.std() and b.std() else np.nan


def _decoded(view: SpaceView) -> None:
    """Draw the drivers that the decoder tells from the embedding beside the real ones."""
    ensemble = view.asked.ensemble()
    if not task_space.has_decoder(ensemble):
        st.info(
            "This model was trained without a decoder (the setting model.reconstruction is 0), so nothing can be "
            "decoded from its embeddings.",
            icon=":material/info:",
        )
        return
    if not _has_record(view):
        return
    names = ensemble.config.model.drivers
    cycles, classes = cache.decoded(view.asked)
    own = view.space.sites.index(view.site)
    real, told = cache.seasonal_cycle(view.asked, view.site), cycles[:, own]
    widgets.legend(
        [("━", ROLE[theme.current()]["observed"], "Real"), ("┅", ROLE[theme.current()]["adapted"], _DECODED)],
        "Lines of the drivers",
    )
    frame = _cycle_table(real, told.mean(0), names)
    components.figure(
        f"{view.site}_decoded",
        decoded_figures.cycles(real, told, [_title(name) for name in names], theme.current()),
        f"Mean seasonal cycle of the drivers of {view.site}, real and decoded from its embedding. "
        f"Correlation over the months: {_agreement(real, told.mean(0), names)}.",
        view.origin,
        lambda: frame,
    )
    st.caption(
        "The encoder squeezes years of drivers into "
        f"{view.space.places.codes.shape[2]} numbers; in training a small decoder has to reconstruct from these the "
        "mean seasonal cycle of each driver and the classes, so that the embedding keeps describing the place. That is "
        "all it reconstructs: no single day, no flux. Each month is a twelfth of the year. " + _classes(view, classes)
    )


_DECODED = "Decoded: mean of the members, and their range"


def _title(name: str) -> str:
    if name in DERIVED:
        return f"{'Its change in 10 days' if name.endswith('TREND') else 'Potential radiation'} [W m⁻²]"
    unit = unit_label(VARIABLES[name].unit)
    words = VARIABLES[name].long_name.replace("Incoming shortwave", "Shortwave").replace("Daily ", "")
    words = words.replace("Vapour pressure deficit", "VPD").replace("Enhanced vegetation index", "EVI")
    words = words.replace("Leaf area index", "LAI")
    return words[0].upper() + words[1:] + (f" [{unit}]" if unit else "")


def _agreement(real: np.ndarray, told: np.ndarray, names: tuple[str, ...]) -> str:
    """Return the correlation over the months of each driver that the tower has."""
    said = []
    for i, name in enumerate(names):
        known = np.isfinite(real[:, i])
        if known.sum() > 2 and real[known, i].std() > 0:
            said.append(f"{name} {number(float(np.corrcoef(real[known, i], told[known, i])[0, 1]))}")
    return ", ".join(said) or "no driver is known"


def _cycle_table(real: np.ndarray, told: np.ndarray, names: tuple[str, ...]) -> pd.DataFrame:
    columns = {f"{name}_{kind}": values[:, i] for i, name in enumerate(names) for kind, values in _kinds(real, told)}
    return pd.DataFrame(columns, index=pd.Index(range(1, 13), name="month"))


def _kinds(real: np.ndarray, told: np.ndarray) -> tuple[tuple[str, np.ndarray], ...]:
    return ("real", real), ("decoded", told)


def _classes(view: SpaceView, classes: np.ndarray) -> str:
    """Return in words which classes the decoder tells of the picked tower, and how often it is right."""
    mean, split = classes.mean(0), len(IGBP_CLASSES)
    said = []
    for names, part, label in (
        (IGBP_CLASSES, mean[:, :split], "land cover"),
        (KOEPPEN_CLASSES, mean[:, split:], "main climate"),
    ):
        real = np.array(view.space.places.igbp if names is IGBP_CLASSES else _climates(view))
        told, own = np.array(names)[part.argmax(1)], view.space.sites.index(view.site)
        truth = "which it is" if told[own] == real[own] else f"though it is {real[own]}"
        said.append(
            f"{label} {told[own]}, {truth} ({100 * part[own].max():.0f} %; right at {100 * (told == real).mean():.0f} "
            "% of all towers)"
        )
    return f"For {view.site} it gives " + " and ".join(said) + "."


def _climates(view: SpaceView) -> list[str]:
    return space_figures.main_climate(view.space.places.koeppen)
