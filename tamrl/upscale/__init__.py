"""Upscaling: the fluxes of every cell of a grid of drivers, in blocks that dask spreads over threads or machines.

Every cell is a task: its embedding is read from its own drivers and classes. ``run.upscale`` is the whole of it;
``drivers`` finds and reads files, ``regions`` computes one region, ``rechunk`` turns maps into series, ``store`` keeps
what is done, ``cluster`` is dask, ``ilamb`` exports.

Besides the fluxes, maps made here hold ``code`` (component, lat, lon), the principal components of the task embeddings,
and ``extrapolation`` (lat, lon), how far a cell lies from the training towers: ``tamrl.model.training_towers``.
"""

import sys

import tamrl

sys.modules[__name__].__class__ = tamrl.CallableRoom
