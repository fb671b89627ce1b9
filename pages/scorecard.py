"""Scorecard: how well the models do at towers that they have never seen."""

from tamrl.app.scorecard.page import show

show()
