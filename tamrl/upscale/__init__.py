"""Upscaling: the fluxes of every cell of a grid of drivers, in blocks that dask spreads over threads or machines.

Every cell is a task: its code is read from its own drivers and classes. ``run.upscale`` is the whole of it;
``mapping`` and ``drivers`` read files, ``classes`` says what of a cell is vegetated, ``blocks`` computes one region,
``staging`` turns maps into series, ``output`` keeps what is done, ``cluster`` is dask, ``ilamb`` exports.

Besides the fluxes, maps made here hold ``code`` (component, lat, lon), the principal components of the task codes, and
``extrapolation`` (lat, lon), how far a cell lies from the training towers: ``tamrl.model.training_towers``.
"""
