"""Upscaling: the fluxes of every cell of a grid of drivers, in blocks that dask spreads over threads or machines.

Every cell is a task: its task embedding is computed from its own drivers and classes. ``run.upscale`` is the entry
point; ``drivers`` finds and reads files, ``regions`` computes one region, ``rechunk`` changes map-chunked drivers to
time-chunked ones, ``store`` keeps finished regions, ``cluster`` is dask, ``ilamb`` exports.

Besides the fluxes, maps made here hold ``code`` (component, lat, lon), the principal components of the task embeddings,
and ``extrapolation`` (lat, lon), the dissimilarity index: ``tamrl.model.training_towers``.
"""

import sys

import tamrl

sys.modules[__name__].__class__ = tamrl.CallableRoom
