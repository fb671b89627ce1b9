"""Published gridded products as maps of this project.

Upscaled ones and models (FLUXCOM-X-BASE, MetaFlux, CEDAR-GPP, CMIP6, TRENDY), atmospheric inversions (CarbonTracker,
CAMS, OCO-2 MIP), and any CF file.

``open_product`` opens them lazily (``registry``); each family has a reader of its own name; the other modules serve all
readers: ``times`` and ``placing`` for time, ``units``, ``sign`` and ``checks`` for values, ``assemble`` for the rest.
"""

from tamrl.maps.at_towers import against_towers, at_towers, score_against_towers
from tamrl.maps.products.registry import PRODUCTS, Product, detect, open_product

__all__ = ["PRODUCTS", "Product", "against_towers", "at_towers", "detect", "open_product", "score_against_towers"]
