"""The globe on a grid: its contract, regridding, and the bundled global drivers."""
