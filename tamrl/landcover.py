"""Land cover and climate class of a place as model inputs; numpy alone."""

import numpy as np
import xarray as xr

from tamrl.schema import BARE, IGBP, IGBP_CLASSES, KOEPPEN, UNKNOWN, check_class

KOEPPEN_CLASSES = (*KOEPPEN, UNKNOWN)
#: A, the length of the static inputs: one-hot IGBP and Koeppen main classes, each with ``unknown``.
STATIC_SIZE = len(IGBP_CLASSES) + len(KOEPPEN_CLASSES)


def static_inputs(igbp: str, koeppen: str) -> np.ndarray:
    """Return (A,) one-hot classes of a place; Koeppen by its first letter.

    Raises:
        TamrlError: a class is neither known nor the explicit ``unknown``.
    """
    check_class(igbp, IGBP, "IGBP")
    check_class(koeppen, KOEPPEN, "Koeppen")
    main = koeppen if koeppen == UNKNOWN else koeppen[0]
    values = np.zeros(STATIC_SIZE, np.float32)
    values[IGBP_CLASSES.index(igbp)] = 1
    values[len(IGBP_CLASSES) + KOEPPEN_CLASSES.index(main)] = 1
    return values


def tower_static(tower: xr.Dataset) -> np.ndarray:
    """Return (A,) one-hot classes of a tower, see ``static_inputs``.

    Raises:
        TamrlError: a class is neither known nor the explicit ``unknown``.
    """
    return static_inputs(str(tower["igbp"].item()), str(tower["koeppen"].item()))


def vegetation(
    fraction: np.ndarray, known: frozenset[str] | None = None, dominant: bool = False
) -> tuple[np.ndarray, np.ndarray]:
    """Return what of the land of cells is vegetated, and as what.

    Bare ground, snow and ice, and water carry no flux: the flux of the land is that of its vegetated part times the
    vegetated share. The static input of a cell, one-hot for a tower, holds the shares of its vegetated part; those of
    classes that no training tower has count as ``unknown``. A cell of which nothing is known is vegetated, as
    ``unknown``.

    Args:
        fraction: (17, N) share of each IGBP class of the land of a cell, in any unit, NaN where not known.
        known: classes that training towers have; all where None.
        dominant: treat the whole cell as its largest class.

    Returns:
        Static inputs (N, 18) that add up to one, and the vegetated share (N,) of the land.
    """
    share = np.clip(np.nan_to_num(np.asarray(fraction, np.float64)), 0, None)
    total = share.sum(0)
    if dominant:
        share = (np.arange(len(share))[:, None] == share.argmax(0)) * total
    names = list(IGBP)
    bare = share[[names.index(c) for c in BARE]].sum(0)
    input_of = np.zeros((fraction.shape[1], len(IGBP_CLASSES)))
    for i, name in enumerate(names):
        if name not in BARE:
            column = name if known is None or name in known else UNKNOWN
            input_of[:, IGBP_CLASSES.index(column)] += share[i]
    green = total - bare
    vegetated = np.where(total > 0, green / np.where(total > 0, total, 1), 1)
    input_of /= np.where(green > 0, green, 1)[:, None]
    input_of[green <= 0, IGBP_CLASSES.index(UNKNOWN)] = 1
    return input_of.astype(np.float32), vegetated.astype(np.float32)


def one_hot(codes: np.ndarray, table: dict[int, str]) -> np.ndarray:
    """Return (17, N) shares of the IGBP classes of cells that have one class each; nothing where it is unknown."""
    found = np.full(codes.shape, -1)
    for code, label in table.items():
        if label != UNKNOWN:
            found[codes == code] = list(IGBP).index(label)
    return (np.arange(len(IGBP))[:, None] == found).astype(np.float32)


def climate(codes: np.ndarray, table: dict[int, str]) -> np.ndarray:
    """Return (N, 6) one-hot Koeppen main classes of cells; what is not in the table is ``unknown``."""
    column = np.full(codes.shape, KOEPPEN_CLASSES.index(UNKNOWN))
    for code, label in table.items():
        if label[:1] in KOEPPEN and label != UNKNOWN:
            column[codes == code] = KOEPPEN_CLASSES.index(label[0])
    return (column[:, None] == np.arange(len(KOEPPEN_CLASSES))).astype(np.float32)
