"""The workspaces that a visitor has made here, which nobody else sees."""

from pathlib import Path
from typing import TYPE_CHECKING

from tamrl.app.shared import visitor
from tamrl.app.shared.late import Late
from tamrl.errors import TamrlError
from tamrl.system.contained import Bounds

if TYPE_CHECKING:
    from tamrl.towers import shelf as shelves
else:  # the readers of every format stand behind it
    shelves = Late("tamrl.towers.shelf")


def shelf() -> "shelves.Shelf":
    """Return this visitor's workspaces.

    Raises:
        TamrlError: the server has no place for them.
    """
    visits = visitor.visits()
    home = visits.folder(visitor.name(), make=True)
    assert home is not None  # it is made
    folder = home / shelves.FOLDER
    folder.mkdir(exist_ok=True)
    return shelves.Shelf(folder, visits.limits.imports)


def workspaces() -> list[Path]:
    """Return the folders of this visitor's workspaces; none where the server has no place for them."""
    try:
        visits = visitor.visits()
        folder = visits.folder(visitor.name())
    except TamrlError:
        return []
    if folder is None:  # of nearly everyone: nothing was sent
        return []
    return shelves.Shelf(folder / shelves.FOLDER, visits.limits.imports).workspaces()


def bounds(sent: int, names: str) -> Bounds:
    """Return what reading something that was sent may take.

    Args:
        sent: its bytes.
        names: of the files, for messages.

    Raises:
        TamrlError: there is no room for it.
    """
    room = visitor.visits().bytes_left(visitor.name())
    if sent > room:
        what = f"This is larger than the {room / 2**30:.1f} GB that you may still keep here"
        raise TamrlError(what, names, "Upload fewer files, or delete a workspace that you no longer need")
    return Bounds(room)


def limits_in_words() -> str:
    """Return how much is kept of a visitor, for how long, and who sees it."""
    limits = visitor.visits().limits
    return (
        f"Nobody else sees them. They stay {visitor.kept_for()}: export what you want to keep. At most "
        f"{limits.imports} workspaces and {limits.visitor_bytes / 2**30:g} GB, unpacked, are kept."
    )
