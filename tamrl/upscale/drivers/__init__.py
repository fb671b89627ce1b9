"""Gridded drivers: found, opened, and converted to the model's steps and units."""
