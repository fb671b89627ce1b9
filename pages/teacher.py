"""Teacher."""

from tamrl.app.teacher.page import show

show()
