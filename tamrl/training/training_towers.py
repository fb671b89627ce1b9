"""What a checkpoint keeps of the towers that it was trained on, taken from the archive."""

from typing import TYPE_CHECKING

import numpy as np

from tamrl.errors import TamrlError
from tamrl.model.training_towers import Reference, summarise
from tamrl.predict.ensemble import member_code, member_record
from tamrl.towers.archive import record

if TYPE_CHECKING:
    import xarray as xr

    from tamrl.model.checkpoint import Ensemble


def fit_reference(ensemble: "Ensemble", archive: "xr.Dataset") -> Reference:
    """Return what the members make of the towers that they were trained on.

    Args:
        ensemble: K members.
        archive: Dataset(site, time) that holds these towers.
    """
    sites, kept, codes, summaries, places = ensemble.training_sites, [], [], [], []
    for site in sites:
        tower = record(archive, site)
        try:
            records = [member_record(ensemble, member, tower) for member in ensemble.members]
        except TamrlError:
            # A tower without any of the drivers says nothing of where the model knows its way.
            continue
        each = [member_code(ensemble, m, r, None) for m, r in zip(ensemble.members, records, strict=True)]
        codes.append(np.stack([code[0].cpu().numpy() for code in each]))
        summaries.append(summarise(records[0].drivers[None], records[0].driver_mask[None])[0].numpy())
        places.append((float(tower.lat), float(tower.lon), str(tower.igbp.item()), str(tower.koeppen.item())))
        kept.append(site)
    lat, lon, igbp, koeppen = zip(*places, strict=True)
    return Reference(
        sites=tuple(kept),
        lat=np.array(lat),
        lon=np.array(lon),
        igbp=igbp,
        koeppen=koeppen,
        codes=np.stack(codes, axis=1).astype(np.float32),
        summaries=np.stack(summaries).astype(np.float32),
    )
