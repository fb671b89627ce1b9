"""Lesson 3: modulation by hand."""

from typing import Any

import streamlit as st

from tamrl.app.lessons import data, frame, notebook
from tamrl.app.shared import components, theme
from tamrl.figures.lessons import seasons as figures
from tamrl.figures.style import number, unit_label
from tamrl.schema import FLUX_UNIT
from tamrl.teaching import by_hand
from tamrl.teaching.by_hand import BETA, GAMMA, HERE, STEP, THERE
from tamrl.teaching.course import LESSONS

LESSON = LESSONS["modulation"]
UNIT, FLUX = unit_label(FLUX_UNIT), "GPP"


def _series(site: str, gamma: float, beta: float) -> dict[str, Any]:
    """Return GPP (T,) at a tower by the plain network, by hand, by the encoder, and after labelled days."""
    opened, column = data.laid_open(site), by_hand.column(FLUX)
    return {
        "plain": opened.fluxes(0.0, 0.0)[:, column],
        "mine": opened.fluxes(gamma, beta)[:, column],
        "encoder": opened.encoder[:, column],
        "adapted": opened.adapted[:, column],
    }


def _errors(site: str, gamma: float, beta: float) -> dict[str, float]:
    seen = data.observed(site)[FLUX].to_numpy()
    return {name: by_hand.rmse(values, seen) for name, values in _series(site, gamma, beta).items()}


def _figure(site: str, gamma: float, beta: float, shown: tuple[str, ...]) -> None:
    series = {name: values for name, values in _series(site, gamma, beta).items() if name in shown}
    table = by_hand.season(data.observed(site).index, series, data.observed(site)[FLUX].to_numpy())
    errors = _errors(site, gamma, beta)
    said = "; ".join(f"{figures.LINES[name][0]} {number(errors[name])}" for name in shown)
    # The axis holds what the largest scale makes, within reason, so that it stays while the sliders move.
    top = 1.35 * max(float(table["observed"].max()), float(table["plain"].max()))
    components.figure(
        f"lesson_modulation_{site}",
        figures.seasons(table, FLUX, theme.current(), top=top),
        f"Mean seasonal cycle of {FLUX} at {site}. RMSE in {UNIT}: {said}.",
        data.origin(site),
        lambda: table,
    )


def _sliders() -> tuple[float, float]:
    left, right = st.columns(2, gap="large")
    with left:
        gamma = st.slider(
            "γ, change in the scale of all states", *GAMMA, step=STEP, format="%.2f", **notebook.bind("gamma", 0.0)
        )
    with right:
        beta = st.slider("β, shift towards GPP", *BETA, step=STEP, format="%.2f", **notebook.bind("beta", 0.0))
    return gamma, beta


def _cards(site: str, gamma: float, beta: float, shown: tuple[str, ...]) -> None:
    errors = _errors(site, gamma, beta)
    for column, name in zip(st.columns(4, gap="small"), shown, strict=False):
        change = 100 * (errors[name] / errors["plain"] - 1)
        moved = abs(change) >= 0.5
        with column, st.container(border=True):
            st.metric(
                f"RMSE, {_lower(figures.LINES[name][0])}",
                number(errors[name]),
                None if name == "plain" else f"{number(change, 0, True)} %" if moved else "no change",
                **components.delta_look(change if moved else 0.0, "low"),
            )
    st.caption(f"RMSE in {UNIT}.")


def _lower(name: str) -> str:
    """Return the name of a line as it stands inside a sentence."""
    return name[0].lower() + name[1:]


def ask() -> None:
    """Draw the question before the theory."""
    opened = data.laid_open(HERE)
    plain, seen = opened.fluxes(0.0, 0.0)[:, by_hand.column(FLUX)], data.observed(HERE)[FLUX].to_numpy()
    st.markdown(
        "TAM-RL is one recurrent network for all places. It reads weather and leaves, keeps "
        f"{opened.states.shape[1]} states as its memory, and reads GPP and RECO off them. What makes it the network of "
        f"*one* place is modulation: {opened.sizes} scales (γ) and shifts (β), set by an encoder for each place.\n\n"
        f"Here they are all taken away. The plain network is run at {HERE}, {by_hand.PLACES[HERE]}, which it has never "
        "seen."
    )
    options = {name: word.capitalize() for name, word in by_hand.SUMMERS.items()}
    frame.guess(
        LESSON,
        "How does its mean July GPP compare with the tower's?",
        options,
        lambda name: by_hand.mark_summer(opened.time, plain, seen, name),
    )


def explore() -> None:
    """Draw the sliders, the season, and what encoder and labelled days make of it."""
    frame.reveal(LESSON)
    st.markdown(
        f"You have two numbers for all states of the network at {HERE}. **Make your line follow the measurements.**"
    )
    gamma, beta = _sliders()
    done = notebook.moved("modulation_done", False)
    shown = ("plain", "mine", "encoder", "adapted") if done else ("plain", "mine")
    _figure(HERE, gamma, beta, shown)
    _cards(HERE, gamma, beta, shown)
    if not done:
        st.button(
            "Now let the encoder do it, and 30 labelled days",
            icon=":material/auto_awesome:",
            key="lesson_encoder",
            on_click=notebook.move,
            args=("modulation_done", True),
        )
    elif frame.mark_of(LESSON, "guess") is not None:
        _theory()


def _theory() -> None:
    opened = data.laid_open(HERE)
    frame.theory(
        "**What you moved.** The states h of the real network became (1 + γ)·h + β·d. The scale stretches whatever the "
        "network says already: high becomes higher, and the timing stays. The shift raises or lowers every day, along "
        "the one direction d of the states in which GPP grows fastest; RECO reads the same states and moves along.\n\n"
        f"**What the encoder does.** It sets {opened.sizes} such numbers, before and after the recurrence, so it can "
        "change the memory as well. But it looks at drivers and classes only. Nothing in them says maize, a crop with "
        "far more uptake in July than the average cropland.\n\n"
        "**Why you did better, if you did.** You looked at the measurements. So does the line *30 labelled days*, but "
        f"only at {by_hand.SUPPORT_DAYS} days from {by_hand.SUPPORT[HERE]}: they set a *site effect*, a linear "
        "correction of the states in closed form. It found the scale without seeing any other year. Its error here "
        "includes those thirty days, as yours includes all the days that you looked at."
    )


def check() -> None:
    """Draw the two checks."""
    gamma, beta = _sliders()
    _figure(HERE, gamma, beta, ("plain", "mine"))
    errors = _errors(HERE, gamma, beta)
    frame.task(
        LESSON,
        "setting",
        f"**1.** Find a setting that lowers the RMSE of GPP at {HERE} by at least {100 * by_hand.BETTER:.0f} %.",
        lambda: by_hand.mark_setting(gamma, beta, errors["mine"], errors["plain"], errors["encoder"]),
        f"Hand in γ {number(gamma, 2, True)}, β {number(beta, 2, True)}",
    )
    there = _errors(THERE, gamma, beta)
    mark = frame.ask(
        LESSON,
        "carried",
        f"**2.** Carry these two numbers to {THERE}, {by_hand.PLACES[THERE]}. There the RMSE of GPP will be",
        by_hand.CARRIED,
        lambda name: by_hand.mark_carried(name, gamma, beta, there["mine"], there["plain"]),
        "Hand in",
    )
    if mark is not None:
        _figure(THERE, gamma, beta, ("plain", "mine", "encoder"))
        st.caption(
            "A place needs numbers of its own. That is what a task is in task-aware modulation, and why lesson 4 "
            "asks how many days it takes to find them."
        )
