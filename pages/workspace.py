"""Workspace."""

from tamrl.app.workspace.page import show

show()
