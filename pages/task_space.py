"""Task space: which places the model takes for alike, and what moves them."""

from tamrl.app.task_space.page import show

show()
