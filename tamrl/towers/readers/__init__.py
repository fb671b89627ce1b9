"""Readers of tower files, one for each kind."""
