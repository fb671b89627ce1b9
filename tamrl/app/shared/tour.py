"""The guided tour of a page: real elements, one after the other, with a sentence or two each.

It opens by itself once, on the first page; the button beside the title of a page starts it again.
"""

import html
import json
from functools import lru_cache
from pathlib import Path
from typing import NamedTuple

import streamlit as st


class Step(NamedTuple):
    """One stop.

    Attributes:
        at: CSS selector of what is looked at; a stop whose element is not on the page is skipped.
        title: a few words.
        text: what it is and what to do with it.
    """

    at: str
    title: str
    text: str


#: Stops by the title of the page.
TOURS: dict[str, tuple[Step, ...]] = {
    "TAM-RL Explorer": (
        Step(
            '[class*="st-key-start_map"]',
            "The world in July",
            "Fluxes of all land by a model trained on towers. Points are towers; click one to adapt the model to it.",
        ),
        Step(
            ".st-key-door_browse",
            "Browse",
            "Two maps side by side. Hover for values, press a place for its seasons, mask what no tower resembles.",
        ),
        Step(
            ".st-key-door_adapt",
            "Adapt",
            "One tower that the model has not seen, and thirty labelled days. The page opens with the result.",
        ),
        Step(".st-key-door_learn", "Learn", "How the model sees places, and what it cannot know."),
        Step(
            ".st-key-choose_ws",
            "Your data",
            "All pages work on one workspace. Add your own towers on the page Workspace; they stay yours.",
        ),
        Step(
            '[class*="st-key-about-"]',
            "What is this?",
            "Beside every figure: two sentences on what it shows, and the term in the glossary.",
        ),
    ),
    "World": (
        Step(
            ".st-key-world_maps",
            "Which maps",
            "One map, two side by side, or their difference. Import brings in FLUXCOM, CMIP6 and others.",
        ),
        Step(
            ".st-key-world_layers",
            "What of them",
            "The flux, its uncertainty or the dissimilarity index; the whole year, a season or a month. Mask hatches "
            "where no training tower resembles the place.",
        ),
        Step(
            ".st-key-world_map",
            "The map",
            "Drag and scroll to move, press a place to pick it. With the keyboard: arrows move, + and - zoom, Enter "
            "picks what is under the cross.",
        ),
        Step(".st-key-world_play", "Play", "The months of a year, one after the other, in one colour range."),
        Step(
            ".st-key-choose_section",
            "In numbers",
            "The picked place, totals beside published ones, zonal means, and the maps at towers.",
        ),
        Step(".st-key-world_export", "Take it along", "The map as it is seen, or its data, with source and citation."),
    ),
    "Few-shot lab": (
        Step(
            ".st-key-lab_site",
            "A held-out tower",
            "At each of the bundled towers, the model used is one that has not seen it.",
        ),
        Step(
            '[class*="st-key-support_chart"]',
            "The support",
            "What the tower measured. Drag a box to choose the labelled days; all others are kept for scoring.",
        ),
        Step(".st-key-choose_days", "How many days", "A week, a month, a year: see what more labels bring."),
        Step(
            ".st-key-choose_method",
            "How to adapt",
            "The site effect is a formula and takes no time; the others move the embedding or the weights.",
        ),
        Step(".st-key-adapt", "Adapt", "Before and after on the same days, in a few seconds."),
        Step(
            ".st-key-lab_answer",
            "The answer",
            "Scores before and after, and the figures. Where labels do harm, the page says so.",
        ),
    ),
    "Scorecard": (
        Step(
            ".st-key-choose_metric",
            "What counts",
            "The score, the time scale and the model that the others are compared with.",
        ),
        Step(".st-key-tower_filters", "Which towers", "All held-out towers, or those of a class, climate or network."),
        Step(
            ".st-key-card-NEE",
            "The headline",
            "TAM-RL zero-shot and with labels, against a baseline that had the same labels.",
        ),
        Step(
            ".st-key-choose_section",
            "Further",
            "Every tower on a map, learning curves, intervals, ablations, and the targets that were missed.",
        ),
    ),
    "Task space": (
        Step(".st-key-space_site", "A tower", "Pick one here, in the picture, or among its neighbours."),
        Step(
            '[class*="st-key-space_"] .js-plotly-plot',
            "The space",
            "Towers that the model treats as similar lie close together. Colour them by class, climate or error.",
        ),
        Step(
            ".st-key-choose_blind",
            "Without being told",
            "Hide land cover and climate from the encoder: what still lies together does so by its weather.",
        ),
        Step(
            ".st-key-choose_part",
            "What follows",
            "How labels move the tower, how the shared model is modulated, and what the embedding keeps of the "
            "drivers.",
        ),
    ),
}


@lru_cache(maxsize=1)
def _parts() -> str:
    css, js = ((Path(__file__).parent / f"tour.{kind}").read_text(encoding="utf-8") for kind in ("css", "js"))
    return f"<style>{css}</style><script>{js}</script>"


def button(page: str) -> None:
    """Draw the button that starts the tour of a page; nothing where it has none.

    Args:
        page: its title.
    """
    steps = TOURS.get(page)
    if steps is None:
        return
    told = html.escape(json.dumps([step._asdict() for step in steps]), quote=True)
    first = int(page == next(iter(TOURS)))
    st.html(
        f'<button type="button" class="tamrl-tour-button" data-first="{first}" '
        f'data-steps="{told}">Tour</button>{_parts()}',
        unsafe_allow_javascript=True,
        width="content",
    )
