"""Where the names of points stand, so that they lie neither over each other nor over other points."""

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

#: Smallest plot that names are kept apart in [px]: a phone's. In a wider one points move apart, names do not grow.
PHONE = (250, 290)
#: Width of a letter and height of a line in parts of the size of the font; gap between a marker and its name [px].
_LETTER, _LINE, _GAP = 0.6, 1.25, 2.0
#: Where a name may stand, best first: plotly's word, and its side of the marker to the right and downwards.
_SIDES = {
    "top center": (0, -1),
    "bottom center": (0, 1),
    "middle right": (1, 0),
    "middle left": (-1, 0),
    "top right": (1, -1),
    "top left": (-1, -1),
    "bottom right": (1, 1),
    "bottom left": (-1, 1),
}


@dataclass(frozen=True, kw_only=True)
class Plot:
    """Where points are drawn.

    Attributes:
        x: ends of the axis.
        y: ends of the axis, lower first.
        px: width and height.
    """

    x: tuple[float, float]
    y: tuple[float, float]
    px: tuple[float, float] = PHONE

    def at(self, x: np.ndarray, y: np.ndarray) -> np.ndarray:
        """Return points (P, 2) in px, to the right and downwards."""
        right = (np.asarray(x, float) - self.x[0]) / (self.x[1] - self.x[0]) * self.px[0]
        down = (self.y[1] - np.asarray(y, float)) / (self.y[1] - self.y[0]) * self.px[1]
        return np.stack([right, down], axis=1)


def boxes(point: np.ndarray, radius: float, text: str, font: float) -> dict[str, np.ndarray]:
    """Return what a name covers on each side of its marker: left, top, right and bottom [px]."""
    wide, high = len(text) * _LETTER * font, _LINE * font
    found = {}
    for side, (right, down) in _SIDES.items():
        middle = point + (radius + _GAP) * np.array([right, down]) + np.array([right * wide, down * high]) / 2
        half = np.array([wide, high]) / 2
        found[side] = np.concatenate([middle - half, middle + half])
    return found


def common(box: np.ndarray, others: np.ndarray) -> float:
    """Return the area that a box (4,) shares with others (N, 4) [px2]."""
    if not len(others):
        return 0.0
    wide = np.minimum(box[2], others[:, 2]) - np.maximum(box[0], others[:, 0])
    high = np.minimum(box[3], others[:, 3]) - np.maximum(box[1], others[:, 1])
    return float((np.clip(wide, 0, None) * np.clip(high, 0, None)).sum())


def sides(
    points: np.ndarray, radii: np.ndarray, names: Sequence[tuple[int, str, bool]], plot: Plot, font: float
) -> dict[int, str]:
    """Return the side of its marker that each name stands on, as plotly calls it; names without room are left out.

    Args:
        points: (P, 2) of ``Plot.at``.
        radii: (P,) of the markers [px].
        names: point, text, and whether it is shown even where there is no room; most important first.
        plot: where they are drawn.
        font: size [px].
    """
    markers = np.concatenate([points - radii[:, None], points + radii[:, None]], axis=1)
    taken, found = np.empty((0, 4)), {}
    for at, text, must in names:
        others = np.delete(markers, at, axis=0)
        best: tuple[float, str, np.ndarray] | None = None
        for side, box in boxes(points[at], float(radii[at]), text, font).items():
            outside = max(-box[0], 0) + max(box[2] - plot.px[0], 0) + max(-box[1], 0) + max(box[3] - plot.px[1], 0)
            # A name over another is read by nobody; one over a marker, by some.
            cost = 4 * common(box, taken) + common(box, others) + 20 * outside
            if best is None or cost < best[0]:
                best = (cost, side, box)
        if best is not None and (must or best[0] == 0):
            found[at] = best[1]
            taken = np.vstack([taken, best[2]])
    return found
