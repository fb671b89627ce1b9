"""Figures of the few-shot lab."""
