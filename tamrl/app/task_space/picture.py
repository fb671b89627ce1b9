"""The picture of the task space: towers in two principal components, and the neighbours of the picked one."""

from collections.abc import Sequence

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.shared import components, sizes, state, theme, widgets
from tamrl.app.shared.widgets import chart, from_table, pick, select
from tamrl.app.task_space import cache
from tamrl.app.task_space.view import SpaceView
from tamrl.errors import TamrlError
from tamrl.figures.colours import GLYPHS
from tamrl.figures.style import number, unit_label
from tamrl.figures.task_space import space as figures
from tamrl.model.task_space import TaskSpace
from tamrl.schema import FLUX_UNIT, FLUXES, VARIABLES
from tamrl.timestep import TimeStep

HUES = {"igbp": "Land cover", "koeppen": "Climate", "score": "Zero-shot error", "trait": "Trait"}
#: Pairs of principal components by the name that the address uses.
PLANES = {"1-2": (0, 1), "1-3": (0, 2), "2-3": (1, 2)}
LATITUDE = "latitude"
_FIRST_TRAIT = "TA"
_TURN = "tamrl_space_turn"


def table(space: TaskSpace, plane: tuple[int, int]) -> pd.DataFrame:
    """Return one row a place: ``x, y, igbp, koeppen, lat, lon, trained``."""
    places = space.places
    return pd.DataFrame(
        {
            "x": space.components[:, plane[0]],
            "y": space.components[:, plane[1]],
            "igbp": places.igbp,
            "koeppen": places.koeppen,
            "lat": places.lat,
            "lon": places.lon,
            "trained": space.trained,
        },
        index=pd.Index(places.sites, name="site"),
    )


def choose(site: str) -> None:
    """Pick a tower."""
    state.put("site", site)
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def tower_choice(space: TaskSpace, example: str) -> str:
    """Draw the choice of a tower and return it."""
    sites = sorted(space.sites)
    wanted = state.get("site")
    if wanted is not None and wanted not in sites:
        st.warning(
            f"{components.quoted(wanted)} of this address is not in this task space.", icon=":material/link_off:"
        )
        state.put("site", None)
        wanted = None
    site = wanted or (example if example in sites else sites[0])
    st.session_state["space_site"] = site
    st.selectbox(
        f"Tower ({len(sites)})",
        sites,
        key="space_site",
        format_func=lambda name: _label(name, space),
        on_change=lambda: choose(st.session_state["space_site"]),
    )
    return site


def _label(site: str, space: TaskSpace) -> str:
    i = space.sites.index(site)
    return f"{site} · {space.places.igbp[i]} · {space.places.koeppen[i]}"


def hue_choice(view: SpaceView) -> tuple[str, str, pd.Series | None]:
    """Draw the choice of the colours; return their kind, their title, and the number of each place where they show one.

    A place whose number is not known has none.
    """
    scored = _scores(view)
    hues = [name for name in HUES if name != "score" or scored is not None]
    hue = pick("Colour by", "hue", hues, "igbp", HUES.get)
    if hue == "score":
        with st.container(width="content"):
            flux = pick("Flux", "flux", FLUXES, "NEE", str)
        return hue, f"RMSE of {flux} [{unit_label(FLUX_UNIT)}]", cache.scores(flux).reindex(view.table.index)
    if hue == "trait":
        known = cache.traits(view.asked)
        options = [name for name in known if name in VARIABLES and known[name].notna().any()] + [LATITUDE]
        with st.container(width=sizes.px(260)):
            trait = select("Trait", "trait", options, _FIRST_TRAIT, _trait_name)
        return hue, _trait_name(trait), known[trait].reindex(view.table.index)
    return hue, HUES[hue], None


def _scores(view: SpaceView) -> pd.Series | None:
    """Return the scores of the towers, None where there are none of this kind."""
    if view.origin.simulated or view.step != TimeStep.DAILY:
        return None
    try:
        found = cache.scores(FLUXES[0])
    except TamrlError:  # the Scorecard says why
        return None
    return found if found.index.isin(view.table.index).any() else None


def _trait_name(name: str) -> str:
    if name == LATITUDE:
        return "Distance from the equator [°]"
    known = VARIABLES[name]
    unit = unit_label(known.unit)
    return f"{known.long_name}, mean" + (f" [{unit}]" if unit else "")


def section(view: SpaceView, hue: str, title: str, values: pd.Series | None) -> None:
    """Draw the picture with its legend, and the neighbours of the picked tower beside it."""
    shown = view.table
    if values is not None:
        said = [f"{title.split(' [')[0]}: {number(v)}" if np.isfinite(v) else "not known" for v in values]
        shown = shown.assign(value=values, said=said)
    left, right = st.columns([1.45, 1], gap="medium")
    with left:
        key = f"space_{st.session_state.get(_TURN, 0)}"
        chart(
            st.container(),
            "task_space",
            figures.scatter(shown, view.axes, hue, title, view.site, view.near, theme.current()),
            _in_words(view, hue, title, values),
            title=f"Task space of {len(shown)} towers, {HUES[hue].lower()}",
            key=key,
            selection_mode="points",
            on_select=lambda: _from_chart(key),
        )
        if values is None:
            kinds = figures.classes(shown, hue)
            widgets.legend([(GLYPHS[sign], colour, f"{code} {name}") for code, name, colour, sign in kinds], HUES[hue])
        components.footer("task_space", view.origin, lambda: _exported(view, shown))
    with right:
        _neighbours(view, values, title)


def _from_chart(key: str) -> None:
    """Pick the tower of a point that was clicked."""
    points = [point for point in st.session_state[key].selection.points if point.get("customdata")]
    if points:
        choose(str(points[-1]["customdata"][0]))


def _exported(view: SpaceView, shown: pd.DataFrame) -> pd.DataFrame:
    """Return every place with all its principal components and its distance from the picked one."""
    parts = {f"pc{i + 1}": view.space.components[:, i] for i in range(view.space.components.shape[1])}
    frame = pd.DataFrame(parts, index=shown.index).assign(distance=view.space.distances(view.site))
    return shown.drop(columns=["x", "y", "said"], errors="ignore").join(frame)


def _in_words(view: SpaceView, hue: str, title: str, values: pd.Series | None) -> str:
    """Return the picture in words."""
    share = view.space.reference.explained[list(view.plane)].sum()
    said = (
        f"Task space: {len(view.table)} towers in two principal components that hold {100 * share:.0f} % of the "
        "variance"
    )
    if values is None:
        by = view.table["igbp"] if hue == "igbp" else pd.Series(figures.main_climate(view.table["koeppen"]))
        middle = view.table.groupby(by.to_numpy())[["x", "y"]].mean()
        where = ", ".join(f"{name} around {number(r.x, 1)}, {number(r.y, 1)}" for name, r in middle.iterrows())
        said += f". By {HUES[hue].lower()}: {where}"
    else:
        low, mid, high = (number(values.quantile(q)) for q in (0.05, 0.5, 0.95))
        said += f". {title}: median {mid}, 90 % between {low} and {high}"
    return f"{said}. {view.site} is ringed; nearest to it: {', '.join(view.near[:3])}. The list offers the same choice."


def _neighbours(view: SpaceView, values: pd.Series | None, title: str) -> None:
    """List the places nearest to the picked one."""
    row = view.table.loc[view.site]
    st.header(view.site, anchor=False)
    trained = "trained on" if row["trained"] else "not trained on"
    climate = components.climate_name(row["koeppen"])
    st.caption(f"{components.class_name(row['igbp'])} · {climate} · the model was {trained} it")
    st.markdown("**Nearest in the task space**")
    far = pd.Series(view.space.distances(view.site), view.table.index)
    shown = view.table.loc[view.near, ["igbp", "koeppen"]].assign(distance=far[view.near])
    formats = {"distance": (2, False, "")}
    columns = {
        "site": st.column_config.TextColumn("Tower", width=74),
        "igbp": st.column_config.TextColumn("IGBP", width=56),
        "koeppen": st.column_config.TextColumn("Köppen", width=66),
        "distance": st.column_config.NumberColumn(
            "Distance",
            width=78,
            help="In all dimensions of the embedding, in units of the median distance from a training tower to its "
            "nearest other one",
        ),
    }
    if values is not None:
        shown["value"], formats["value"] = values.reindex(shown.index), (2, False, "")
        columns["value"] = st.column_config.NumberColumn(title.split(" [")[0].split(",")[0], help=title, width=96)
    key = f"space_near_{view.site}"
    sizes.table(
        components.numbers(shown.reset_index(), formats),
        key=key,
        hide_index=True,
        selection_mode="single-row",
        on_select=lambda: from_table(key, view.near, choose),
        column_config=columns,
    )
    st.caption(_how_alike(view, values, title))


def _how_alike(view: SpaceView, values: pd.Series | None, title: str) -> str:
    """Return how much neighbours in this space share."""
    if values is not None:
        share, name = view.space.follows(values.to_numpy(dtype=float)), title.split(" [")[0]
        name = name if name.startswith("RMSE") else name[0].lower() + name[1:]
        told = (
            f"Over all towers the mean of the 5 nearest explains {100 * max(share, 0):.0f} % of the variance of {name}."
        )
        return told if np.isfinite(share) else ""
    said = []
    for labels, what in (
        (view.table["igbp"].to_numpy(), "land-cover class"),
        (np.array(figures.main_climate(view.table["koeppen"])), "main climate"),
    ):
        share, chance = view.space.alike(np.where(labels == "unknown", "", labels))
        if np.isfinite(share):
            said.append(f"{what} in {100 * share:.0f} % of the cases (any two towers: {100 * chance:.0f} %)")
    return f"A tower and its nearest neighbour share the {'; the '.join(said)}." if said else ""


def honesty(view: SpaceView, count: int, blind: bool, names: Sequence[str]) -> str:
    """Return what must be known of this space before it is read.

    Args:
        view: of the page.
        count: members.
        blind: whether the classes are hidden from the encoder.
        names: drivers that the encoder reads.
    """
    share = view.space.reference.explained
    read = "drivers alone" if blind else "drivers, land cover and climate class"
    return (
        f"All towers are read by one ensemble ({count} members, trained on {len(view.space.reference.sites)} of them): "
        "embeddings of different models have different axes and cannot be compared, so the held-out folds of the "
        f"Scorecard are not included here. The encoder reads {read} of a tower ({', '.join(names)}), no flux. "
        f"Distances are taken in all {view.space.places.codes.shape[2]} dimensions and averaged over members; the "
        f"picture holds {100 * share[list(view.plane)].sum():.0f} % of the variance, so points that are close in it "
        "are not always close."
    )
