"""The Task space page."""
