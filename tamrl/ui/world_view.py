"""What the World page is asked; every part of the page reads it."""

from dataclasses import dataclass

import xarray as xr

from tamrl.atlas import Entry
from tamrl.data.globe import SD
from tamrl.fields import Period
from tamrl.ui.components import Origin

#: Layers and modes of the page by the name that the URL uses.
LAYERS = {"flux": "Flux", "spread": "Spread", "extrapolation": "Extrapolation"}
MODES = {"single": "One map", "side": "Side by side", "difference": "Difference"}


@dataclass(frozen=True, eq=False)
class View:
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
        entries: everything on offer.
        origin: where what is seen comes from.
    """

    entry: Entry
    maps: xr.Dataset
    other_entry: Entry | None
    other: xr.Dataset | None
    flux: str
    period: Period
    layer: str
    mode: str
    cell: tuple[float, float] | None
    entries: dict[str, Entry]
    origin: Origin

    @property
    def name(self) -> str:
        """The variable that is drawn."""
        return {"flux": self.flux, "spread": self.flux + SD, "extrapolation": "extrapolation"}[self.layer]
