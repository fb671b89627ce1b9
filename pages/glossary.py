"""Glossary: the terms of the pages, with their sources."""

from tamrl.app.glossary.page import show

show()
