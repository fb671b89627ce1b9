"""Towers: where they stand, and what each measured."""

from tamrl.app.towers.page import show

show()
