"""The colours of the World page's map: range, palette, and what lies on it."""

import streamlit as st

from tamrl.app.shared import state
from tamrl.app.world.view import WorldView, palette_choice
from tamrl.figures.colours import OWN, PALETTES
from tamrl.figures.style import unit_label
from tamrl.figures.world import map as figures
from tamrl.figures.world.map import Scale


def popover(view: WorldView, scale: Scale) -> None:
    """Draw the choice of the colour range and of what lies on the map."""
    with st.popover("Colours", icon=":material/palette:"):
        by_hand = state.get("range") is not None
        st.session_state["world_by_hand"] = by_hand
        st.segmented_control(
            "Colour range",
            [False, True],
            key="world_by_hand",
            required=True,
            format_func=lambda hand: "By hand" if hand else "By percentile",
            on_change=_take_by_hand,
            args=(scale,),
        )
        if by_hand:
            _range_by_hand(scale)
        else:
            st.slider(
                "Percentiles",
                0.0,
                100.0,
                step=0.5,
                **state.bind("tails", figures.TAILS),
                format="%g %%",
                help="Values outside the range are clipped to the end colours. Months share a range.",
            )
        _palette(view)
        st.toggle("Towers", **state.bind("dots", True))


def _palette(view: WorldView) -> None:
    """Draw the choice of the palette, where the map has one of the fluxes."""
    if view.layer == "flux" and view.mode != "difference":
        names = {OWN: "By flux"} | {name: palette.label for name, palette in PALETTES.items()}
        st.selectbox(
            "Palette",
            list(names),
            format_func=names.__getitem__,
            **state.bind("palette", palette_choice()),
            help="Of maps of fluxes and of the Hovmöller diagram. Differences, spreads and the dissimilarity index "
            "have colours of their own, safe for colour-blind readers.",
        )


def _take_by_hand(scale: Scale) -> None:
    # Three digits: the reader goes on from what the colour bar shows, not from a percentile's last digit.
    ends = tuple(float(f"{end:.3g}") for end in (scale.low, scale.high))
    state.put("range", ends if st.session_state["world_by_hand"] else None)


def _range_by_hand(scale: Scale) -> None:
    step = 10.0 ** (len(str(int(scale.high - scale.low))) - 3)
    st.session_state["world_low"], st.session_state["world_high"] = scale.low, scale.high
    left, right = st.columns(2)
    unit = unit_label(scale.unit)
    left.number_input(f"From [{unit}]", key="world_low", step=step, format="%g", on_change=_take_range)
    right.number_input(f"To [{unit}]", key="world_high", step=step, format="%g", on_change=_take_range)


def _take_range() -> None:
    low, high = st.session_state["world_low"], st.session_state["world_high"]
    if low < high:
        state.put("range", (low, high))
    else:
        st.toast("The upper end of the range must lie above the lower one.", icon=":material/warning:")
