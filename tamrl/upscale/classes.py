"""Fields of classes: what of the land of a cell is vegetated, as what, and in which climate.

Dimensions: N cells, 17 IGBP classes in the order of ``schema.IGBP``, A static inputs.
"""

from dataclasses import dataclass

import numpy as np

from tamrl.data.sequences import IGBP_CLASSES, KOEPPEN_CLASSES
from tamrl.schema import BARE, IGBP, KOEPPEN, UNKNOWN
from tamrl.upscale.reading import Piece, read_piece


@dataclass(frozen=True, eq=False)
class ClassField:
    """A field of classes in a file.

    Attributes:
        piece: where it is.
        table: code -> class; of ``igbp_fraction`` position along its class axis -> class; empty for shares.
    """

    piece: Piece
    table: dict[int, str]


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


def static_inputs_of(
    fields: dict[str, ClassField], rows: slice, columns: slice, known: frozenset[str] | None, dominant: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the static inputs (N, A) of the cells of a part of the grid, their vegetated and their land share (N,).

    Where fractions and a class map are given, the fractions count.
    """
    count = (rows.stop - rows.start) * (columns.stop - columns.start)

    def read(name: str) -> np.ndarray:
        values = read_piece(fields[name].piece, rows, columns)
        full = (len(values), rows.stop - rows.start, columns.stop - columns.start)
        return np.broadcast_to(values, full).reshape(len(values), -1)

    fraction = np.zeros((len(IGBP), count), np.float32)
    if "igbp_fraction" in fields:
        shares, names = read("igbp_fraction"), list(IGBP)
        for position, label in fields["igbp_fraction"].table.items():
            if label != UNKNOWN:
                fraction[names.index(label)] += np.nan_to_num(shares[position])
    elif "igbp" in fields:
        fraction = one_hot(read("igbp")[0], fields["igbp"].table)
    classes, vegetated = vegetation(fraction, known, dominant)
    koeppen = fields.get("koeppen")
    zone = climate(read("koeppen")[0], koeppen.table) if koeppen else climate(np.full(count, np.nan), {})
    land = np.nan_to_num(read("land_fraction")[0]) if "land_fraction" in fields else np.ones(count, np.float32)
    return np.concatenate([classes, zone], axis=1), vegetated, np.clip(land, 0, 1)
