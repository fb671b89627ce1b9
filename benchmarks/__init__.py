"""Measurements of the project that are too long for its tests; each is one command."""
