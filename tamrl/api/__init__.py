"""The public Python API: what a notebook needs, as ``tamrl.<name>``; the command line does the same with files.

    import tamrl

    workspace = tamrl.open_workspace()  # the towers of FLUXNET2015; or a folder made by tamrl ingest
    model = tamrl.load_model("cross-fitted")  # at each of them the ensemble that has not seen it
    tower = tamrl.read_tower(workspace, "DE-Hai")
    days = tamrl.labelled_days(tower, 30, start="2005-06-01")
    adapted = tamrl.adapt(model, tower, days)
    tamrl.scores(adapted)  # before and after, on the days that were not labelled
    tamrl.fluxes(adapted).to_dataframe().to_csv("DE-Hai.csv")

Fluxes are in gC m-2 d-1, NEE = RECO - GPP, negative for uptake. What goes wrong is a ``tamrl.TamrlError``.
"""

from importlib import import_module
from typing import Any

from tamrl import PUBLIC

__all__ = list(PUBLIC)


def __getattr__(name: str) -> Any:
    if name not in PUBLIC:
        raise AttributeError(f"module 'tamrl.api' has no attribute {name!r}")
    return getattr(import_module(PUBLIC[name]), name)
