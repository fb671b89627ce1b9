"""Presenter: the Few-shot lab told on a stage, one key a step."""
