"""The parts of the Few-shot lab that ask: which tower, which days, which settings; and the running adaptation."""

import dataclasses
import re
from typing import TYPE_CHECKING, Any

import pandas as pd
import streamlit as st
import xarray as xr

from tamrl import wording
from tamrl.app.lab.view import Asked, LabRequest
from tamrl.app.shared import components, drawing, jobs, sizes, state, theme
from tamrl.app.shared.late import Late
from tamrl.app.towers import sections
from tamrl.errors import TamrlError
from tamrl.figures.lab import diagnostics
from tamrl.predict.gaps import describe, driver_gaps, leave_out_adapted, left_out
from tamrl.predict.methods import METHODS, AdaptSettings
from tamrl.timestep import step_of

if TYPE_CHECKING:
    from tamrl.model.checkpoint import Ensemble
    from tamrl.model.cross_fitted import CrossFitted
    from tamrl.predict import fastest
    from tamrl.predict.adapt import Adaptation
else:
    fastest = Late("tamrl.predict.fastest")
MOST_STEPS = 500
#: How often the page looks at a running adaptation [s], at one without steps, and at one that waits for its turn.
POLL_S, QUICK_S, WAITING_S = 0.8, 0.3, 1.5
#: Seconds in which an adaptation may end before the page says that it has begun.
SOON_S = 0.5
_PRESSED, _OPENED = "tamrl_adapt_pressed", "tamrl_lab_opened"


_VALIDATION = "A validation tower: not trained on, but training stopped where such towers were predicted best."


def tower_choice(table: pd.DataFrame, model: "Ensemble | CrossFitted", example: str = "") -> str:
    """Draw the choice of a held-out tower and return it.

    Args:
        table: one row a tower, of ``tower_table``.
        model: a checkpoint, or a cross-fitted model.
        example: the tower that the workspace shows first, where it is held out.

    Raises:
        TamrlError: the model was trained on every tower of the workspace, and seen towers are not wanted.
    """
    seen, validation = set(model.training_sites), set(model.validation_sites)
    # Towers that only stopped the training come after those that had no part in it at all.
    held_out = sorted((site for site in table.index if site not in seen), key=lambda site: site in validation)
    left, right = st.columns([3, 2], gap="medium", vertical_alignment="bottom")
    # A cross-fitted model has seen none of the towers it was made of.
    show_seen = bool(seen) and right.toggle("Also show training towers", **state.bind("seen", False))
    wanted = state.get("site")
    if wanted is not None and wanted not in table.index:
        st.warning(f"{components.quoted(wanted)} of this address is not in this workspace.", icon=":material/link_off:")
        wanted = None
    # A tower that was chosen elsewhere stays, seen or not; it is labelled.
    options = held_out + [site for site in table.index if site in seen and (show_seen or site == wanted)]
    if not options:
        raise TamrlError(
            f"All {len(table)} towers of this workspace were used to train this model, so none is held out",
            str(model.path),
            "Train a model with --exclude-sites, ingest more towers, or show the training towers",
        )

    def text(site: str) -> str:
        mark = " (seen in training)" if site in seen else " (validation tower)" if site in validation else ""
        return sections.label(site, table) + mark

    # At first the example of the workspace, else the held-out tower with the most days to learn from and be scored on.
    most = max(options[: len(held_out)] or options, key=lambda name: table.loc[name, "valid_days"])
    site = wanted or (example if example in held_out else most)
    st.session_state["lab_site"] = site
    left.selectbox(
        f"Tower ({len(held_out)} of {len(table)} are held out)",
        options,
        key="lab_site",
        format_func=text,
        on_change=lambda: _choose_site(st.session_state["lab_site"]),
    )
    if site in validation and site not in seen:
        st.info(_VALIDATION, icon=":material/info:")
    return site


def model_section(model: "Ensemble | CrossFitted", ensemble: "Ensemble", site: str) -> None:
    """Say which model runs, and offer its card.

    Args:
        model: what was chosen.
        ensemble: that of the model for this tower.
        site: the tower.
    """
    name = ensemble.path.name if ensemble.path else "unnamed"
    card = model.path / "README.md" if model.path else None
    if model is not ensemble:
        unseen = site not in ensemble.seen_sites
        name = f"cross-fitted, {name}" + (f", which never saw {site}" if unseen else "")
    with st.container(horizontal=True, vertical_alignment="center", gap="small"):
        st.caption(
            f"Model: **{components.plain(name)}**, {len(ensemble.members)} members, trained on "
            f"{len(ensemble.training_sites)} towers",
            width="content",
        )
        with st.popover("Model card", type="tertiary", icon=":material/description:", key="model_card"):
            st.markdown(_card(card.read_text(encoding="utf-8")) if card and card.is_file() else _facts(ensemble))


def _card(text: str) -> str:
    """Return a model card whose headings are bold lines: the page has its own order of headings."""
    return re.sub(r"^#+ +(.*)$", r"**\1**", text, flags=re.MULTILINE)


def _facts(ensemble: "Ensemble") -> str:
    """Return what a checkpoint without a card says of itself."""
    said = {
        "Made": str(ensemble.info.get("created", ""))[:10],
        "Seed": ensemble.info.get("seed"),
        "Drivers": ", ".join(ensemble.config.model.drivers),
        "Carbon balance": ensemble.config.model.balance,
        "Training towers": ", ".join(ensemble.training_sites),
        "Trained on": "SIMULATED towers" if ensemble.info.get("simulated") else "",
    }
    return "\n".join(f"- {name}: {value}" for name, value in said.items() if value not in (None, ""))


def cautions_section(ensemble: "Ensemble", tower: xr.Dataset) -> bool:
    """Say what must be known before a prediction at this tower is believed.

    Returns:
        Whether steps without weather are to be predicted all the same; the choice is there where there are any.
    """
    from tamrl.predict.ensemble import cautions

    gaps = driver_gaps(tower, ensemble.config.model.drivers)
    lacking = left_out(gaps) is not None
    allowed = lacking and state.get("gaps", False)
    said = describe(gaps, tower, allowed, option="the switch below")
    for line in [*cautions(ensemble, tower), *said]:
        st.warning(line, icon=":material/visibility:")
    if lacking:
        st.toggle(
            f"Predict {wording.unit(step_of(tower), 0)} without weather",
            **state.bind("gaps", False),
            help="Same as --allow-gaps on the command line. Predictions can jump where a driver is missing. Off: these "
            "steps have no prediction and are not scored.",
        )
    return allowed


def _choose_site(site: str) -> None:
    """Choose a tower; the support of the one before does not fit it."""
    sections.choose(site)
    state.put("start", None)


def settings_section() -> tuple["AdaptSettings", bool]:
    """Draw the choice of method, steps and learning rate; return the settings and whether Adapt was pressed."""
    standard = AdaptSettings()
    if state.get("method") not in METHODS:
        state.leave_out("method")
    if state.get("steps") is not None:
        state.put("steps", min(max(state.get("steps"), 1), MOST_STEPS))
    columns = st.columns([2, 2, 3, 1.6], gap="medium", vertical_alignment="bottom")
    columns[0].selectbox(
        "Method", list(METHODS), format_func=lambda name: METHODS[name].label, **state.bind("method", standard.method)
    )
    method = METHODS[state.get("method", standard.method)]
    fixed = not method.descends
    columns[1].number_input("Steps", 1, MOST_STEPS, step=10, disabled=fixed, **state.bind("steps", standard.steps))
    rates = sorted({0.001, 0.002, 0.005, 0.01, 0.02, 0.05, 0.1, 0.2, 0.5, standard.learning_rate, state.get("lr", 0.1)})
    columns[2].select_slider(
        "Learning rate", rates, disabled=fixed, format_func="{:g}".format, **state.bind("lr", standard.learning_rate)
    )
    columns[3].button(
        "Adapt", type="primary", icon=":material/play_arrow:", width="stretch", key="adapt", on_click=press
    )
    st.caption(
        f"{method.description}."
        + ("" if not method.fits else " The model itself is not changed for anyone else.")
        + f" Runs on: {fastest.pick(method.name)}."
    )
    settings = dataclasses.replace(
        standard,
        method=method.name,
        steps=int(state.get("steps", standard.steps)),
        learning_rate=float(state.get("lr", standard.learning_rate)),
    )
    return settings, st.session_state.pop(_PRESSED, False)


def press() -> None:
    """Remember the press until the page acts on it; the button's own value is lost when a run starts again."""
    st.session_state[_PRESSED] = True


def asked_for(request: Asked, pressed: bool) -> bool:
    """Return whether ``request`` is to be run now: Adapt was pressed, or the address that was opened asks for it.

    The address says ``run=1`` where the page shows, or is making, the result of the settings that it names, so that
    reloading it and sending it to others bring the result back.
    """
    opened = not st.session_state.get(_OPENED)
    st.session_state[_OPENED] = True
    wanted = pressed or (opened and state.get("run", False) and request not in jobs.results())
    job = jobs.current()
    running = job is not None and job.status == "running" and job.key == request
    state.put("run", True if wanted or running or request in jobs.results() else None)
    return wanted


def start(request: LabRequest, ensemble: "Ensemble", tower: xr.Dataset, support: pd.DatetimeIndex) -> None:
    """Start the adaptation of ``request`` in the background; wait for a moment, in which most are done."""
    from tamrl.predict.adapt import adapt

    def work(on_step: Any, cancelled: Any) -> Any:
        result = adapt(ensemble, tower, support, request.settings, on_step=on_step, cancelled=cancelled)
        return leave_out_adapted(result, {} if request.gaps else driver_gaps(tower, ensemble.config.model.drivers))

    job = jobs.start(request, f"Adapting to {request.site}", work)
    if not job.line():
        drawing.TURNS.leave()
        job.wait(SOON_S)


def running_section(request: Asked) -> bool:
    """Show the running adaptation, its loss falling live, with a button that cancels it; or how it ended.

    Args:
        request: what the page shows; the end of a job for another tower is of no interest here.

    Returns:
        Whether a job is running for the place that the page shows: its result is about to come, and drawing an
        earlier one meanwhile would take the time from it.
    """
    job = jobs.current()
    if job is None or not isinstance(job.key, type(request)):
        return False
    if job.status == "running":
        st.fragment(_live, run_every=_poll_s(job))()
        return job.key.place() == request.place()
    if job.key.place() != request.place():
        return False
    if job.status == "failed":
        assert job.error is not None
        components.show_error(job.error)
    elif job.status == "cancelled":
        st.info("The adaptation was cancelled.", icon=":material/cancel:")
    return False


def _poll_s(job: jobs.BackgroundJob) -> float:
    """Return how often the page looks at a job [s]: often where it is over soon, seldom while it waits."""
    if job.line():
        return WAITING_S
    request = job.key
    return QUICK_S if isinstance(request, LabRequest) and not METHODS[request.settings.method].fits else POLL_S


def _live() -> None:
    job = jobs.current()
    if job is None or job.status != "running":
        st.rerun()
    with st.container(border=True, key="adapting"):
        left, right = st.columns([5, 1], vertical_alignment="center")
        left.progress(job.progress(), text=f"{job.title}: {_how_far(job)}")
        right.button("Cancel", icon=":material/stop:", on_click=job.cancel, width="stretch", key="cancel")
        history = job.history()
        if history["loss"].notna().any():
            st.plotly_chart(
                sizes.figure(diagnostics.loss_figure(history, theme.current())),
                theme=None,
                key="live_loss",
                config={"displayModeBar": False},
                alt="Loss of each member against the step, so far.",
            )
        elif isinstance(job.key, LabRequest) and not METHODS[job.key.settings.method].fits:
            st.caption("This method is one pass of the model, without steps of gradient descent: it has no loss.")


def _how_far(job: jobs.BackgroundJob) -> str:
    """Return where the job stands in the line, else how long it has run and about how long it still takes."""
    remaining = job.left()
    about = "" if remaining is None else f", about {max(1, round(remaining))} s left"
    return job.line() or f"{job.seconds():.1f} s{about}"


def results_at(request: LabRequest) -> dict[LabRequest, "Adaptation"]:
    """Return the kept results of the same tower and model as ``request``, newest last."""
    kept = [key for key in jobs.results() if isinstance(key, LabRequest) and key.place() == request.place()]
    return {key: jobs.results()[key] for key in kept}


def result_for(request: LabRequest) -> tuple[LabRequest, "Adaptation"] | None:
    """Return the result of ``request``, or the latest one of the same tower and model; None where there is none."""
    same = results_at(request)
    if request in same:
        # Asked for by its key, it becomes the one that was seen last.
        return request, jobs.results()[request]
    return next(reversed(same.items()), None)
