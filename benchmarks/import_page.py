"""A page that imports a product as the World page does, for the trials of ``benchmarks.reliability``."""

import sys
from pathlib import Path

from tamrl.maps import catalog, imports

product, folder = (Path(argument) for argument in sys.argv[1:3])
maps = catalog.listed([folder / "maps"])
if not maps:
    imports.import_product([product], folder / "maps")
(folder / "done").touch()
