"""The presenter's page."""

from tamrl.app.present.page import show

show()
