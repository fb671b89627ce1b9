"""Lessons."""

from tamrl.app.lessons.page import show

show()
