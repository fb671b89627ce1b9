"""The World page."""
