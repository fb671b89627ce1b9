"""Rechunking drivers from map-chunked to time-chunked: once, in bounded memory, into a temporary Zarr.

A region reads the whole series of few cells. Where a chunk of a file has many cells of few steps, every region would
decompress every chunk; such drivers are rechunked once beforehand. Finished slabs have completion markers, as regions
have.
"""

import dataclasses
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import numpy as np

from tamrl.upscale.drivers.read import Driver, Piece, read_piece
from tamrl.upscale.gaps import Account
from tamrl.upscale.store import RunFolder, set_mark

#: A driver is staged when all regions together would read it this many times.
TIMES_READ = 4.0
#: Drivers smaller than this stay in the memory of the system anyway.
SMALL_BYTES = 32_000_000
_VALUE_BYTES = 4
#: What a slab needs while it is turned: packed values, converted ones, and those on their way to the disk.
_COPIES = 4


@dataclass(frozen=True, eq=False)
class Slab:
    """A part of a piece that is rechunked at once.

    Attributes:
        piece: what is read.
        name: array that it is written to.
        steps: of the piece.
        rows: of the grid.
    """

    piece: Piece
    name: str
    steps: slice
    rows: slice

    @property
    def mark(self) -> str:
        """Name of its completion marker."""
        return f"stage-{self.name}-{self.steps.start}-{self.rows.start}"


@dataclass(frozen=True, eq=False)
class Staging:
    """What is rechunked: pieces by the arrays that they are written to, and the memory for one slab."""

    pieces: dict[str, Piece]
    tile: int
    budget: int

    def shape(self, piece: Piece) -> tuple[int, int]:
        """Return how many steps and rows of a piece make one slab: whole chunks and whole regions."""
        steps, rows, columns = len(piece.positions), len(piece.rows), len(piece.columns)
        cells = max(1, self.budget // (_VALUE_BYTES * _COPIES))
        few = min(steps, piece.blocks.get("time", 1))
        band = min(rows, max(self.tile, cells // (few * columns) // self.tile * self.tile))
        if band >= rows:
            few = min(steps, max(few, cells // (rows * columns) // few * few))
        return few, band

    def slabs(self) -> Iterator[Slab]:
        """Yield the slabs to rechunk."""
        for name, piece in self.pieces.items():
            few, band = self.shape(piece)
            for top in range(0, len(piece.rows), band):
                for first in range(0, len(piece.positions), few):
                    steps = slice(first, min(first + few, len(piece.positions)))
                    yield Slab(piece, name, steps, slice(top, min(top + band, len(piece.rows))))


def times_read(piece: Piece, tile: int) -> float:
    """Return how often all regions together would read each value of a piece, given the chunks of its file.

    Of a file without chunks only the needed values are read, but in disk pages along a row of the map.
    """
    if not {"time", "lat", "lon"} <= set(piece.dims) or not len(piece.positions):
        return 1.0
    if not piece.blocks:
        page = 4096 // _VALUE_BYTES
        return max(1.0, min(page, len(piece.columns)) / min(tile, len(piece.columns)))
    total = 1.0
    for dim, index in (("lat", piece.rows), ("lon", piece.columns)):
        size = piece.blocks[dim]
        parts = [index[start : start + tile] // size for start in range(0, len(index), tile)]
        total *= sum(len(np.unique(part)) for part in parts) / max(1, len(np.unique(index // size)))
    return total


def plan_staging(drivers: dict[str, Driver], tile: int, budget: int, smallest: int = SMALL_BYTES) -> Staging:
    """Return which drivers are worth rechunking.

    Args:
        drivers: of the run.
        tile: rows and columns of a region.
        budget: bytes of memory that one worker may use.
        smallest: bytes below which a driver is read without rechunking.
    """
    found = {}
    for name, driver in _parts(drivers):
        for i, piece in enumerate(driver.pieces):
            size = len(piece.positions) * max(1, len(piece.rows)) * max(1, len(piece.columns)) * _VALUE_BYTES
            if size >= smallest and times_read(piece, tile) > TIMES_READ:
                found[f"{name}-{i}"] = piece
    return Staging(found, tile, budget)


def _parts(drivers: dict[str, Driver]) -> Iterator[tuple[str, Driver]]:
    for name, driver in drivers.items():
        yield name, driver
        yield from _parts({f"{name}.{i}": part for i, part in enumerate(driver.parts)})


def create_staged(place: RunFolder, staging: Staging) -> None:
    """Write the empty arrays for the rechunked drivers."""
    import zarr

    group = zarr.open_group(place.staged, mode="w", zarr_format=3)
    tile = staging.tile
    for name, piece in staging.pieces.items():
        few, _ = staging.shape(piece)
        shape = (len(piece.positions), len(piece.rows), len(piece.columns))
        wide = -(-shape[2] // tile) * tile
        group.create_array(
            name,
            shape=shape,
            chunks=(few, tile, tile),
            shards=(few, tile, wide),
            dtype="float32",
            fill_value=np.float32(np.nan),
            dimension_names=("time", "lat", "lon"),
        )


def stage(staged: Path | str, mark: Path, slab: Slab) -> None:
    """Rechunk one slab, unless it is already done.

    Args:
        staged: Zarr of the rechunked drivers.
        mark: completion marker of the slab.
        slab: which part of which piece.

    Raises:
        TamrlError: the drivers cannot be read, or the marker cannot be written.
    """
    import zarr

    if mark.exists():
        return
    account = Account()
    values = read_piece(slab.piece, slab.rows, slice(0, len(slab.piece.columns)), slab.steps, account.tally)
    array = zarr.open_array(Path(staged) / slab.name, mode="r+")
    array[slab.steps, slab.rows] = values
    set_mark(mark, account.to_text())


def staged_drivers(drivers: dict[str, Driver], place: RunFolder, staging: Staging) -> dict[str, Driver]:
    """Return the drivers with the rechunked pieces in place of those of the files."""

    def turned(name: str, driver: Driver) -> Driver:
        pieces = tuple(
            _turned(place, f"{name}-{i}", piece) if f"{name}-{i}" in staging.pieces else piece
            for i, piece in enumerate(driver.pieces)
        )
        parts = tuple(turned(f"{name}.{i}", part) for i, part in enumerate(driver.parts))
        return dataclasses.replace(driver, pieces=pieces, parts=parts)

    return {name: turned(name, driver) for name, driver in drivers.items()}


def _turned(place: RunFolder, name: str, piece: Piece) -> Piece:
    return Piece(
        path=str(place.staged.resolve()),
        name=name,
        dims=("time", "lat", "lon"),
        renamed={},
        positions=np.arange(len(piece.positions)),
        steps=piece.steps,
        rows=np.arange(len(piece.rows)),
        columns=np.arange(len(piece.columns)),
        factor=np.ones(1, np.float32),
        subject=piece.subject,
    )
