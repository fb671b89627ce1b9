"""What the World page is asked; every part of the page reads it."""

import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace

import xarray as xr

from tamrl.app.shared.components import SIMULATED, Origin
from tamrl.app.shared.widgets import choice
from tamrl.figures.colours import OWN, PALETTES
from tamrl.globe.contract import SD
from tamrl.maps import time_means
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.time_means import Period

#: Layers and modes of the page by the name that the URL uses.
LAYERS = {"flux": "Flux", "spread": "Uncertainty (1 SD)", "extrapolation": "Dissimilarity index"}
MODES = {"single": "One map", "side": "Side by side", "difference": "Difference"}


def short_names(labels: Mapping[str, str]) -> dict[str, str]:
    """Return short names of sets of maps, ``TAM-RL`` of ``TAM-RL, monthly climate``; whole ones where two would agree.

    Args:
        labels: key -> label.
    """
    heads = {key: _head(label) for key, label in labels.items()}
    count = Counter(heads.values())
    return {key: heads[key] if count[heads[key]] == 1 else label for key, label in labels.items()}


def _head(label: str) -> str:
    head = re.sub(r"\s*\([^)]*\)", "", label.split(",")[0]).strip() or label
    return f"{head} ({SIMULATED})" if SIMULATED in label and SIMULATED not in head else head


@dataclass(frozen=True, eq=False, kw_only=True)
class WorldView:
    """What the page is asked.

    Attributes:
        entry: the chosen maps.
        maps: their content, lazy and shared between sessions: read it, never change it.
        other_entry: the maps that they are compared with; None in the mode ``single``.
        other: their content.
        flux: GPP, RECO or NEE.
        period: which part of time is shown.
        layer: ``flux``, ``spread`` or ``extrapolation``.
        mode: ``single``, ``side`` or ``difference``.
        cell: latitude and longitude of the picked cell's centre.
        entries: everything that is available.
        origin: where what is seen comes from.
        vegetated: whether what is compared leaves out land without plants, see ``tamrl.maps.regions.vegetated``.
    """

    entry: MapsEntry
    maps: xr.Dataset
    other_entry: MapsEntry | None
    other: xr.Dataset | None
    flux: str
    period: Period
    layer: str
    mode: str
    cell: tuple[float, float] | None
    entries: dict[str, MapsEntry]
    origin: Origin
    vegetated: bool = False

    @property
    def short(self) -> dict[str, str]:
        """Short names of all available maps by key, see ``short_names``."""
        every = {**self.entries, **{e.key: e for e in (self.entry, self.other_entry) if e is not None}}
        return short_names({key: entry.label for key, entry in every.items()})

    @property
    def name(self) -> str:
        """The variable that is drawn."""
        return {"flux": self.flux, "spread": self.flux + SD, "extrapolation": "extrapolation"}[self.layer]


def palette_choice() -> str:
    """Return the name of the palette of the fluxes that the reader chose, see ``tamrl.figures.colours``."""
    return choice("palette", [OWN, *PALETTES], OWN)


def period_text(view: WorldView, other: bool = False) -> str:
    """Return what a field is the mean of, in words: the period, and the years where it is over several."""
    if view.layer == "extrapolation":
        return "the same all year"
    maps = view.other if other else view.maps
    assert maps is not None  # asked of others only where two are compared
    if view.period.year and time_means.years_of(maps):
        return view.period.label
    return f"{replace(view.period, year=None).label}, mean of {time_means.span(maps)}"


def difference_text(view: WorldView) -> str:
    """Return which maps are subtracted, in words, and the years of both where they differ."""
    assert view.other_entry is not None  # as above
    one, other = period_text(view), period_text(view, other=True)
    said = f"{view.entry.label} \N{MINUS SIGN} {view.other_entry.label} · {one}"
    return said if one == other else f"{said} \N{MINUS SIGN} {other}"


def short_text(view: WorldView, shown: Sequence[MapsEntry | None], period: Period) -> str:
    """Return what a map shows in few words, where there is little room.

    Args:
        view: what the page is asked.
        shown: the maps, and those that are subtracted from them or None.
        period: which part of time.
    """
    names = [view.short[entry.key] for entry in shown if entry is not None]
    when = [] if view.layer == "extrapolation" else [period.label]
    return ", ".join([" \N{MINUS SIGN} ".join(names), *when])
