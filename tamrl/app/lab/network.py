"""The Few-shot lab for the whole network: adapt all held-out towers at once, see where it helps and where it harms."""

import math
import threading
from dataclasses import dataclass
from pathlib import Path
from types import SimpleNamespace
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st

from tamrl.app.lab import inputs, network_take
from tamrl.app.shared import cache, components, jobs, sizes, state, static, theme
from tamrl.app.shared.late import Late
from tamrl.app.shared.widgets import from_map, from_table, pick
from tamrl.evaluation.results import METRICS
from tamrl.figures.lab import network as figures
from tamrl.figures.scorecard import map as maps
from tamrl.figures.style import number, unit_label
from tamrl.protocol.placements import PLACEMENTS
from tamrl.schema import FLUX_UNIT, FLUXES
from tamrl.towers.countries import network_of
from tamrl.towers.workspace import Workspace

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.cross_fitted import CrossFitted
    from tamrl.predict import fastest
    from tamrl.predict.network import NetworkResult
else:
    fastest = Late("tamrl.predict.fastest")

UNIT = unit_label(FLUX_UNIT)
MAP_PX = 400
SEASONS = {"growing": "Growing", "dormant": "Dormant", "random": "Random days"}
#: Numbers of labelled days that are offered.
DAYS = (3, 7, 14, 30, 60, 90, 180)
_SITE, _TURN, _PRESSED = "tamrl_network_site", "tamrl_network_turn", "tamrl_network_pressed"


@dataclass(frozen=True, kw_only=True)
class NetworkRequest:
    """What was asked of the whole network; results are kept under it.

    Attributes:
        workspace: folder and version of the archive.
        model: folder and version of the checkpoint.
        days: labelled days a tower.
        placement: their season.
    """

    workspace: tuple[str, int]
    model: tuple[str, int]
    days: int
    placement: str

    def place(self) -> tuple[Any, ...]:
        """Return what must be equal for two results to be of the same towers and model."""
        return self.workspace, self.model


def section(
    workspace: Workspace, model: "Ensemble | CrossFitted", version: tuple[str, int], table: pd.DataFrame, origin: Any
) -> None:
    """Draw the choice of days and season, the running job, and what came out.

    Args:
        workspace: the open one, daily.
        model: a checkpoint or a cross-fitted model.
        version: folder and version of the model.
        table: one row a tower, of ``tower_table``.
        origin: where the data come from.
    """
    request, pressed = _ask(workspace, version)
    jobs.collect()
    sites = [site for site in table.index if site not in model.seen_sites]
    if not sites:
        st.info("This model has seen every tower of the workspace, so none is held out.", icon=":material/info:")
        return
    if inputs.asked_for(request, pressed):
        _start(request, workspace, sites)
    if inputs.running_section(request):
        return
    shown = _kept(request)
    if shown is None:
        st.caption(
            f"Press Adapt all to adapt the model to each of the {len(sites)} held-out towers with its labelled days: "
            "the site effect, computed by an ensemble that has not seen the tower."
        )
        return
    result = jobs.results()[shown]
    if shown != request:
        st.info("These results are for earlier settings. Press Adapt all to update them.", icon=":material/history:")
    _show(shown, result, table, origin)
    network_take.section(shown.days, shown.placement, result, workspace, model, origin)


def _kept(request: NetworkRequest) -> NetworkRequest | None:
    """Return the request whose result is shown: this one, else the latest of the same towers and model."""
    same = [key for key in jobs.results() if isinstance(key, NetworkRequest) and key.place() == request.place()]
    return request if request in same else next(reversed(same), None)


def _ask(workspace: Workspace, version: tuple[str, int]) -> tuple[NetworkRequest, bool]:
    """Draw the settings; return them, and whether Adapt all was pressed."""
    left, middle, right = st.columns([2.6, 3.6, 1.6], gap="medium", vertical_alignment="bottom")
    days = min(DAYS, key=lambda n: abs(n - state.get("days", 30)))
    with left:
        chosen = st.select_slider("Labelled days per tower", DAYS, value=days, key="network_days", on_change=_take_days)
    with middle:
        placement = pick("Season of the labelled days", "placement", list(SEASONS), "growing", SEASONS.get)
    right.button(
        "Adapt all", type="primary", icon=":material/play_arrow:", width="stretch", key="adapt_all", on_click=_press
    )
    st.caption(
        f"Labelled days: consecutive valid days {PLACEMENTS[placement]}, the same choice as on the Scorecard. "
        f"Runs on: {fastest.pick(fastest.MANY)}."
    )
    request = NetworkRequest(
        workspace=(str(workspace.path), workspace.archive_version()), model=version, days=chosen, placement=placement
    )
    return request, st.session_state.pop(_PRESSED, False)


def _take_days() -> None:
    state.put("days", st.session_state["network_days"])


def _press() -> None:
    st.session_state[_PRESSED] = True


def _start(request: NetworkRequest, workspace: Workspace, sites: list[str]) -> None:
    """Start the job in the background, on the device that is faster at many towers."""
    from tamrl.predict.network import adapt_network

    model = cache.model(Path(request.model[0]), fastest.MANY)

    def work(on_step: Any, cancelled: Any) -> "NetworkResult":
        lock, done = threading.Lock(), 0

        def tell(site: str) -> None:
            nonlocal done
            with lock:
                done += 1
                on_step(
                    SimpleNamespace(member=0, members=1, step=done, steps=len(sites), loss=math.nan, held_back=math.nan)
                )

        return adapt_network(model, workspace.archive(), sites, request.days, request.placement, tell, cancelled)

    jobs.start(request, f"Adapting {len(sites)} towers", work, jobs.NETWORK)


def _show(request: NetworkRequest, result: "NetworkResult", table: pd.DataFrame, origin: Any) -> None:
    """Draw cards, distribution, map and table of one result."""
    found = figures.summary(result.table)
    st.header("What adapting did at every tower", anchor=False)
    for column, flux in zip(st.columns(len(FLUXES), gap="small"), FLUXES, strict=True):
        row = found.loc[flux]
        with column, st.container(border=True):
            st.markdown(f"**{flux}**")
            change = number(row["median"], 1, True)
            st.metric("Median change of RMSE", f"{change} %", border=False)
            st.caption(f"better by 10 % or more at {row['improved']:.0f} % of towers, worse at {row['harmed']:.0f} %")
    st.caption(
        "The median of the changes at each tower. The Scorecard compares medians of the errors on its cards, and takes "
        "the geometric mean of the ratios at each tower for its targets; its labelled days are others, too."
    )
    flux = pick("Flux", "flux", FLUXES, "NEE", str, hidden=True)
    rows = result.table[result.table["flux"] == flux].set_index("site")
    places = table[["lat", "lon", "igbp", "koeppen", "valid_days"]].rename(columns={"valid_days": "days"})
    places["network"] = [network_of(site) for site in places.index]
    shown = places.join(rows.rename(columns={"days": "labelled"}), how="inner")
    site = st.session_state.get(_SITE)
    components.figure(
        f"network_{request.placement}_{request.days}d",
        figures.distribution(result.table, site, theme.current()),
        f"Change of RMSE by adapting at {len(rows)} towers, one point a tower, GPP, RECO and NEE. "
        + "; ".join(f"{f}: median {number(r['median'], 1, True)} %" for f, r in found.iterrows()),
        origin,
        lambda: result.table.set_index("site"),
    )
    _map_and_table(shown, flux, site if site in shown.index else None)
    if result.left_out:
        said = "; ".join(f"{name}: {why}" for name, why in result.left_out.items())
        st.caption(f"Left out: {said}.")
    st.caption(
        f"RMSE in {UNIT} of the ensemble mean on all valid days but the labelled ones, as at one tower. Grey band: "
        "changes of less than 10 % either way."
    )


def _map_and_table(shown: pd.DataFrame, flux: str, site: str | None) -> None:
    """Draw the towers coloured by what they gain beside their table; a click on either offers the lab."""
    colours = maps.scale(shown["change"].to_numpy(dtype=float), METRICS["rmse"], difference=True)
    title, rmse = f"Change of {flux} RMSE [%]", f"RMSE of {flux} [{UNIT}]"
    turn, high = st.session_state.get(_TURN, 0), sizes.px(MAP_PX)
    left, right = st.columns([1.25, 1], gap="medium")
    with left:
        deck = maps.score_map(shown, "change", f"{title}: {{}}", colours, site, theme.current(), turn, high)
        st.pydeck_chart(
            static.placed(deck),
            key="network_map",
            height=high,
            on_select=lambda: from_map("network_map", _choose),
            alt=f"World map of {len(shown)} towers coloured by {title}; the table beside it offers the same choice.",
        )
        st.html(maps.legend(*colours, title, 0))
    with right:
        order = shown.sort_values("change")
        frame = order.reset_index()[["site", "igbp", "koeppen", "rmse_before", "rmse_after", "change"]]
        key = f"network_table_{turn}"
        sizes.table(
            components.numbers(
                frame, {"rmse_before": (2, False, ""), "rmse_after": (2, False, ""), "change": (0, True, " %")}
            ),
            key=key,
            hide_index=True,
            height=MAP_PX,
            selection_mode="single-row",
            on_select=lambda: from_table(key, list(order.index), _choose),
            column_config={
                "site": st.column_config.TextColumn("Tower", width=74, pinned=True),
                "igbp": st.column_config.TextColumn("IGBP", width=52),
                "koeppen": st.column_config.TextColumn("Köppen", width=64),
                "rmse_before": st.column_config.NumberColumn("Zero-shot", width=76, help=rmse),
                "rmse_after": st.column_config.NumberColumn("Adapted", width=70, help=rmse),
                "change": st.column_config.NumberColumn("Change", width=66, help="Of the RMSE, by adapting"),
            },
        )
    if site is None:
        st.caption("Click a tower on the map or in the table to open it in the lab with the same labelled days.")
        return
    row = shown.loc[site]
    st.button(
        f"Open {site} in the lab with these days",
        icon=":material/science:",
        key="network_open",
        on_click=_open,
        args=(site, row["first"].date(), int(row["labelled"])),
    )


def _choose(site: str) -> None:
    st.session_state[_SITE] = site
    st.session_state[_TURN] = st.session_state.get(_TURN, 0) + 1


def _open(site: str, start: Any, days: int) -> None:
    """Go to the one tower, with the labelled days that it had here, and adapt."""
    for name, value in {"scope": None, "site": site, "start": start, "days": days, "method": None}.items():
        state.put(name, value)
    inputs.press()
