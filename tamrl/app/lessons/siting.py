"""Lesson 6: where the next towers should stand, on SIMULATED places whose truth is known."""

import numpy as np
import pandas as pd
import streamlit as st

from tamrl.app.lessons import data, frame, notebook
from tamrl.app.shared import components, theme, widgets
from tamrl.figures.lessons import siting as figures
from tamrl.figures.style import number, unit_label
from tamrl.schema import FLUX_UNIT, IGBP
from tamrl.teaching import siting
from tamrl.teaching.course import LESSONS
from tamrl.teaching.siting import ADDED, RULES, START

LESSON = LESSONS["siting"]
UNIT = unit_label(FLUX_UNIT)


def _label(site: str) -> str:
    row = data.planet().places.loc[site]
    cover = IGBP.get(row["igbp"], row["igbp"]).lower()
    return f"{site} · {cover}, {row['koeppen']}, {row['temperature']:.0f} °C, {row['rain']:.0f} mm"


def _choose() -> list[str]:
    """Draw the choice of places and return the chosen ones."""
    return st.multiselect(
        f"Build {ADDED} towers",
        data.planet().candidates,
        max_selections=ADDED,
        format_func=_label,
        placeholder="Choose places",
        filter_mode="contains",
        **notebook.bind("siting_added", []),
    )


def _climates(added: list[str]) -> None:
    planet = data.planet()
    found = siting.errors(planet, siting.network_of(planet, added))
    # The scale of the network that stands already, so that colours can be compared.
    top = float(np.ceil(siting.errors(planet, siting.network_of(planet, [])).max()))
    table = planet.places.assign(rmse=found)
    worst = table["rmse"].idxmax()
    drawn = figures.climates(planet.places, found, top, START, added, theme.current())
    # A chart of its own after each click: what was clicked before must not count again.
    key = f"chart-lesson_climates-{notebook.moved('siting_turn', 0)}"
    with st.container(key="figure-lesson_climates", gap="xsmall"):
        widgets.chart(
            st.container(),
            "lesson_climates",
            drawn,
            f"SIMULATED places by temperature and precipitation, coloured by the RMSE of the mean year of GPP. Mean "
            f"{number(found.mean())}, worst {worst} with {number(table.at[worst, 'rmse'])} {UNIT}.",
            key=key,
            on_select=lambda: _click(key),
            selection_mode="points",
        )
        components.footer("lesson_climates", data.simulated_origin(), lambda: table)


def _click(key: str) -> None:
    """Build a tower at the place that was clicked, or take it away."""
    added = list(notebook.moved("siting_added", []))
    for point in st.session_state[key].selection.points:
        site = point["customdata"][0]
        if site in added:
            added.remove(site)
        elif site in data.planet().candidates and len(added) < ADDED:
            added.append(site)
    notebook.move("siting_added", added)
    notebook.move("siting_turn", notebook.moved("siting_turn", 0) + 1)


def _cards(added: list[str]) -> None:
    planet = data.planet()
    mine = siting.score(planet, siting.network_of(planet, added))
    before = siting.score(planet, siting.network_of(planet, []))
    columns = st.columns(3, gap="small")
    columns[0].metric("Towers", len(START) + len(added))
    change = mine - before
    columns[1].metric(
        f"Mean RMSE over all places [{UNIT}]",
        number(mine),
        number(change, 2, True) if added else "no change",
        **components.delta_look(change if added else 0.0, "low"),
    )
    columns[2].metric("Left to build", ADDED - len(added))


def ask() -> None:
    """Draw the question before the theory."""
    planet = data.planet()
    st.markdown(
        f"A simulated planet has {len(planet.places)} places. Four of them, {', '.join(START)}, have a tower; all "
        "four are temperate or cold and moist. From the towers alone a model learns monthly GPP from weather and "
        "leaves and predicts it everywhere. Since the planet is simulated, the truth is known everywhere, too.\n\n"
        "You may build four more. Two planners are at hand. One draws places at random. The other knows the climate "
        "and leaves of all places and puts each new tower where it is most unlike all towers so far."
    )
    options = {name: text[0].upper() + text[1:] for name, text in RULES.items()}
    frame.guess(
        LESSON,
        "Whose network predicts the planet better?",
        options,
        lambda name: siting.mark_rule(planet, data.by_lot(), name),
    )


def explore() -> None:
    """Draw the places, the choice, and how it compares."""
    frame.reveal(LESSON)
    st.markdown(
        "**Build towers**, by their names or with a click on the chart, and watch the errors of all places. "
        "Another click takes one away."
    )
    added = _choose()
    _cards(added)
    _climates(added)
    if len(added) < ADDED:
        st.caption(f"Build {ADDED - len(added)} more to compare your network with chance and with rules.")
        return
    _among(added)
    if frame.mark_of(LESSON, "guess") is not None:
        _theory()


def _among(added: list[str]) -> None:
    planet, lot = data.planet(), data.by_lot()
    marks = {"yours": siting.score(planet, siting.network_of(planet, added))}
    marks |= {name: siting.score(planet, siting.network_of(planet, sites)) for name, sites in data.rules().items()}
    said = "; ".join(f"{name} {number(value)}" for name, value in marks.items())
    components.figure(
        "lesson_among",
        figures.among(lot, marks, theme.current()),
        f"SIMULATED. Mean RMSE of {len(lot)} networks drawn at random, median {number(float(np.median(lot)))} {UNIT}; "
        f"{said}.",
        data.simulated_origin(),
        lambda: pd.DataFrame({"mean_rmse": lot}).rename_axis("draw"),
    )


def _theory() -> None:
    planet, rules = data.planet(), data.rules()
    far = ", ".join(rules["as unlike as can be"])
    frame.theory(
        f"**Unlike is not enough.** The planner of extremes builds {far}. Such places teach about themselves, and "
        "there are few like them. A good new tower is unlike the existing ones, and like many places that have "
        "none.\n\n"
        "**Knowing the truth is a bound.** The other rule adds, one after another, the tower that lowers the true "
        "error most. Nobody can do that in reality. It shows what is left to gain.\n\n"
        "**What the model does.** A Gaussian process on six monthly drivers: a month anywhere is predicted from the "
        "tower months most like it. Its length scale and noise were set beforehand, the same for all networks. A "
        "place that differs in what no driver shows is predicted wrongly wherever the towers are; on this planet each "
        f"place has hidden traits of its own. Even towers at all {len(planet.places)} places leave an error of "
        f"{number(siting.score(planet, planet.positions(planet.places.index)))} {UNIT}.\n\n"
        "**What the game leaves out.** Power, roads, people, and all that a tower is for besides a map."
    )


def check() -> None:
    """Draw the two checks."""
    added = _choose()
    _cards(added)
    _climates(added)
    if len(added) < ADDED:
        st.caption(f"Build {ADDED - len(added)} more towers, then hand in your network.")
        return
    planet = data.planet()
    frame.task(
        LESSON,
        "network",
        "**1.** Hand in a network that serves the planet better than half of those drawn at random. In a class the "
        "lowest error wins.",
        lambda: siting.mark_network(planet, data.by_lot(), added),
        "Hand in this network",
    )
    frame.ask(
        LESSON,
        "worst",
        "**2.** Which of these places does your network predict worst?",
        {site: _label(site) for site in siting.worst_options(planet, added)},
        lambda site: siting.mark_worst(planet, added, site),
        "Hand in",
    )
