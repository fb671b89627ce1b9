"""The Towers page."""
