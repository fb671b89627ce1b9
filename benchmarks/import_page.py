"""A page that imports a product as the World page does, for the trials of ``benchmarks.reliability``."""

import sys
from pathlib import Path

from tamrl.maps import catalog as atlas

product, folder = (Path(argument) for argument in sys.argv[1:3])
maps = atlas.listed([folder / "maps"])
if not maps:
    atlas.import_product([product], folder / "maps")
(folder / "done").touch()
