"""Figures of towers."""
