"""Land cover as a picture for the page's map: the largest IGBP class of each cell of the bundled global drivers."""

from dataclasses import dataclass

import numpy as np
import xarray as xr

from tamrl.figures.colours import CLASS, rgb
from tamrl.figures.world.map import bounds, data_url, png
from tamrl.globe.earth import flags, igbp_class
from tamrl.schema import IGBP


@dataclass(frozen=True)
class ClassPicture:
    """What the map reads classes from.

    Attributes:
        image: PNG as an address; one pixel is one cell, transparent where there is no land.
        bounds: west, south, east and north, degrees.
        palette: colour of each class, ``rrggbb``, no two alike.
        names: of each class, in words.
    """

    image: str
    bounds: list[float]
    palette: list[str]
    names: list[str]


def land_cover(earth: xr.Dataset) -> ClassPicture:
    """Return the picture of ``tamrl.globe.earth.igbp_class``.

    Args:
        earth: of ``tamrl.globe.earth.load_earth``.
    """
    found = igbp_class(earth)
    classes, codes = found.where(earth["land_fraction"] > 0, 0), list(flags(found).values())[1:]
    colours = np.array([rgb(CLASS[code])[:3] for code in codes], np.uint8)
    return ClassPicture(
        image=data_url(png(classes.transpose("lat", "lon").values[::-1].astype(np.uint8), colours)),
        bounds=bounds(classes),
        palette=[bytes(colour).hex() for colour in colours],
        names=[f"{code}, {IGBP[code].lower()}" for code in codes],
    )
