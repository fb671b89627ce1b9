"""Published gridded products as maps of this project.

Upscaled ones and models (FLUXCOM-X-BASE, MetaFlux, CEDAR-GPP, CMIP6, TRENDY), atmospheric inversions (CarbonTracker,
CAMS, OCO-2 MIP), and any CF file.

``registry.open_product`` opens them lazily; each family has a reader of its own name; the other modules serve all
readers: ``times`` and ``placing`` for time, ``units``, ``sign`` and ``checks`` for values, ``assemble`` for the rest.
"""
