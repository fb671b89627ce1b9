"""Gridded drivers: found, opened, put on the model's steps and units."""
