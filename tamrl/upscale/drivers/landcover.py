"""Fields of classes: the vegetated fraction of a cell's land, its land-cover classes and its climate.

Dimensions: N cells, 17 IGBP classes in the order of ``schema.IGBP``, A static inputs.
"""

from dataclasses import dataclass

import numpy as np

from tamrl.landcover import climate, one_hot, vegetation
from tamrl.schema import IGBP, UNKNOWN
from tamrl.upscale.drivers.read import Piece, read_piece


@dataclass(frozen=True, eq=False)
class ClassField:
    """A field of classes in a file.

    Attributes:
        piece: where it is.
        table: code -> class; of ``igbp_fraction`` position along its class axis -> class; empty for shares.
    """

    piece: Piece
    table: dict[int, str]


def static_inputs_of(
    fields: dict[str, ClassField], rows: slice, columns: slice, known: frozenset[str] | None, dominant: bool
) -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """Return the static inputs (N, A) of the cells of a part of the grid, their vegetated and land fractions (N,).

    Where both fractions and a class map are given, the fractions are used.
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
