"""Start: what this is, a map, three doors, what is loaded, and what is real."""

from tamrl.app.start.page import show

show()
