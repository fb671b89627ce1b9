"""Towers of an archive as tensors, for the members of an ensemble and what is fitted after them."""

from collections.abc import Iterable
from pathlib import Path

import numpy as np

from tamrl.model.drivers import driver_table
from tamrl.model.inputs import Normaliser, TowerRecord, tower_record
from tamrl.towers.archive import load_archive, record
from tamrl.towers.quality import flux_table, valid_days


def read_records(
    archive: Path | str, sites: Iterable[str], scales_from: Iterable[str], names: tuple[str, ...]
) -> tuple[dict[str, TowerRecord], Normaliser]:
    """Read towers as tensors, with the scales of some of them.

    Args:
        archive: path of the archive.
        sites: towers to read.
        scales_from: towers among them whose scales are taken: the training towers.
        names: D drivers.
    """
    dataset = load_archive(archive)
    towers = {site: record(dataset, site) for site in sites}
    chosen = [towers[site] for site in scales_from]
    fluxes = [np.where(valid_days(t)[:, None], flux_table(t), np.nan) for t in chosen]
    normaliser = Normaliser.fit([driver_table(t, names) for t in chosen], fluxes)
    return {site: tower_record(tower, names, normaliser) for site, tower in towers.items()}, normaliser
