"""Gridded fluxes of this project and of others: catalogue, means, totals, one cell."""
