"""Scores of every model on held-out towers, and what they say."""
