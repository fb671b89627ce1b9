"""Gridded fluxes, whoever made them: catalogue, means, totals, one cell."""
