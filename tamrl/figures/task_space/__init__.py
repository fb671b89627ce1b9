"""Figures of the Task space page."""
