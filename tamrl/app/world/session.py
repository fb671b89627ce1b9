"""What maps there are for this visitor: bundled ones, those of the workspace, and what was imported."""

from pathlib import Path

from tamrl.app.shared import visitor
from tamrl.app.world import cache
from tamrl.errors import TamrlError
from tamrl.maps.catalog import MapsEntry
from tamrl.towers.workspace import Workspace


def session_folder(make: bool = False) -> Path | None:
    """Return the folder of what was imported for this session only; it is removed some hours after its last use.

    Args:
        make: whether to make it where there is none yet.

    Raises:
        TamrlError: it is to be made, and the server has no place for it.
    """
    try:
        return visitor.visits().folder(visitor.name(), make)
    except TamrlError:
        if make:
            raise
        return None


def catalogue(workspace: Workspace | None) -> dict[str, MapsEntry]:
    """Return the available maps by key."""
    return cache.entries(workspace, session_folder())
