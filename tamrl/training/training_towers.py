"""What a checkpoint keeps of the towers that it was trained on, taken from the archive."""

from typing import TYPE_CHECKING

from tamrl.model.training_towers import Reference
from tamrl.predict.task_space import read_places

if TYPE_CHECKING:
    import xarray as xr

    from tamrl.model.checkpoint import Ensemble


def fit_reference(ensemble: "Ensemble", archive: "xr.Dataset") -> Reference:
    """Return positions, task embeddings and driver summaries of the training towers.

    Args:
        ensemble: K members.
        archive: Dataset(site, time) that holds these towers.
    """
    return read_places(ensemble, archive, ensemble.training_sites)
