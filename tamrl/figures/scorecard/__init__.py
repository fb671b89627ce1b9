"""Figures of the Scorecard."""
