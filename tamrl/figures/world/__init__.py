"""Figures and maps of the World page."""
