"""A workspace as one zip file, to be opened elsewhere.

An uploaded zip is not trusted: nothing is written outside the workspace, sizes are counted while unpacking, and the
archive and ``workspace.yaml`` are written anew from their content, so that a decompression bomb is caught here.
"""

import json
import math
import shutil
import stat
import tempfile
import zipfile
import zlib
from collections.abc import Iterator
from pathlib import Path, PurePosixPath

from tamrl.errors import TamrlError, printable
from tamrl.system.storage import locate
from tamrl.towers import citations
from tamrl.towers.archive import load_whole, save_archive
from tamrl.towers.readers import limits
from tamrl.towers.workspace import MARKER, Workspace

#: What belongs to a workspace; all else in its folder is left where it is.
PARTS = (MARKER, "archive.zarr", "models", "maps", "provenance.json", citations.FILE)
_TODO = "Export the workspace again, on the Workspace page"
#: Bytes of workspace.yaml; values of one array; of all of them the bytes.
_MOST_MARKER, _MOST_VALUES, _MOST_BYTES = 1 << 16, limits.MOST_CELLS, 2 * limits.MOST_BYTES
_BLOCK = 1 << 20


def pack(workspace: Workspace, target: Path) -> Path:
    """Write a workspace as a zip and return its path.

    Paths in the provenance are cut down to the names of files: the folders of this computer are not disclosed.

    Args:
        workspace: any; links in it are not followed.
        target: the zip to write.

    Raises:
        TamrlError: its provenance is damaged, or the zip cannot be written.
    """
    entries = [_named(entry) for entry in workspace.provenance()]
    try:
        with zipfile.ZipFile(target, "w", zipfile.ZIP_DEFLATED, compresslevel=1) as out:
            for path, inside in _files(workspace.path):
                if inside == "provenance.json":
                    out.writestr(inside, json.dumps(entries, indent=2, ensure_ascii=False) + "\n")
                else:
                    out.write(path, inside)
    except (OSError, ValueError) as error:
        Path(target).unlink(missing_ok=True)
        raise TamrlError(f"The workspace cannot be packed: {error}", workspace.name, "Make room on the disk") from error
    return target


def _files(folder: Path) -> Iterator[tuple[Path, str]]:
    """Return the files of a workspace and their names in the zip."""
    for part in PARTS:
        top = locate(folder / part) if part.endswith(".zarr") else folder / part
        if top is None or top.is_symlink() or not top.exists():
            continue
        for path in [top] if top.is_file() else sorted(top.rglob("*")):
            below = path.relative_to(top).parts
            hidden = any(name.startswith(".") for name in below)
            linked = any(top.joinpath(*below[:at]).is_symlink() for at in range(1, len(below) + 1))
            if path.is_file() and not hidden and not linked:
                yield path, PurePosixPath(part, *below).as_posix()


def _named(entry: object) -> object:
    """Return an entry of the provenance with names of files for their paths."""
    if not isinstance(entry, dict) or not isinstance(entry.get("inputs"), list):
        return entry
    inputs = [
        {**one, "path": Path(str(one["path"])).name} if isinstance(one, dict) and "path" in one else one
        for one in entry["inputs"]
    ]
    return {**entry, "inputs": inputs}


def unpack(file: Path, into: Path, most: int, name: str = "") -> Workspace:
    """Make a new workspace of a zip that ``pack`` wrote.

    Args:
        file: the zip.
        into: folder of the new workspace; must not be there yet.
        most: bytes that it may unpack to, at most.
        name: of the new workspace, that of the zip where empty.

    Raises:
        TamrlError: it is not a zip of a workspace, is damaged, too large, or names files outside; nothing is kept then.
    """
    into.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".unpack-", dir=into.parent))
    try:
        _unpack(file, scratch, most)
        return _rewritten(scratch, into, name)
    except BaseException:
        shutil.rmtree(into, ignore_errors=True)
        raise
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def _unpack(file: Path, scratch: Path, most: int) -> None:
    """Unpack the parts of a workspace, counted while they are written."""
    try:
        with zipfile.ZipFile(file) as packed:
            limits.check_members(packed, file.name)
            members = [(info, _inside(info, file.name)) for info in packed.infolist() if not info.is_dir()]
            if MARKER not in {inside for _, inside in members}:
                what = f"This zip holds no workspace, {MARKER} is not in it"
                raise TamrlError(what, file.name, "Drop tower files on the box above, or choose an exported workspace")
            left = most
            for info, inside in members:
                left -= _write(packed, info, scratch / inside, left, file.name)
    except (zipfile.BadZipFile, zlib.error, EOFError, RuntimeError, NotImplementedError) as error:
        raise TamrlError(f"The zip is damaged or cut off: {error}", file.name, _TODO) from error
    except OSError as error:
        raise TamrlError(f"The zip cannot be unpacked: {error.strerror or error}", file.name, _TODO) from error


def _inside(info: zipfile.ZipInfo, label: str) -> str:
    """Return where a member goes.

    Raises:
        TamrlError: it is a link, leads out of the workspace, or is not part of one.
    """
    name, parts = info.filename, PurePosixPath(info.filename).parts
    odd = not parts or name.startswith("/") or ".." in parts or any(sign in name for sign in '\\:\0*?"<>|')
    mode = info.external_attr >> 16
    if odd or (stat.S_IFMT(mode) and not stat.S_ISREG(mode)) or len(name) > 400 or max(map(len, parts)) > 200:
        raise TamrlError(f"The zip names a file that no workspace has: {printable(name[:80])!r}", label, _TODO)
    if parts[0] not in PARTS or any(part.startswith(".") for part in parts):
        raise TamrlError(
            f"The zip holds something that is not part of a workspace: {printable(name[:80])!r}", label, _TODO
        )
    return PurePosixPath(*parts).as_posix()


def _write(packed: zipfile.ZipFile, info: zipfile.ZipInfo, target: Path, most: int, label: str) -> int:
    """Unpack one member and return its bytes."""
    target.parent.mkdir(parents=True, exist_ok=True)
    total = 0
    with packed.open(info) as source, target.open("xb") as out:
        while block := source.read(_BLOCK):
            total += len(block)
            if total > most:
                what = "The workspace unpacks to more than may be kept here"
                raise TamrlError(what, label, "Remove a workspace or an import that you no longer need")
            out.write(block)
    return total


def _rewritten(scratch: Path, into: Path, name: str) -> Workspace:
    """Make the workspace of what was unpacked, its archive and ``workspace.yaml`` written anew."""
    if (scratch / MARKER).stat().st_size > _MOST_MARKER:
        raise TamrlError(f"{MARKER} is too large to be one", MARKER, _TODO)
    for path in (scratch / MARKER, *scratch.rglob("*.yaml"), *scratch.rglob("*.yml")):
        _check_yaml(path)
    old = Workspace.open(scratch)
    made = Workspace.create(into, old.simulated, " ".join(printable(name or old.name).split())[:80])
    archive = scratch / "archive.zarr"
    if archive.is_dir():
        _check_arrays(archive)
        loaded = load_whole(archive)
        if bool(loaded.attrs.get("simulated", 0)) != old.simulated:
            what = f"{MARKER} and the archive do not agree whether the towers are simulated"
            raise TamrlError(what, MARKER, _TODO)
        save_archive(loaded, made.archive_path)
    if not all(isinstance(entry, dict) for entry in old.provenance()):
        raise TamrlError("provenance.json holds something that is not an entry", "provenance.json", _TODO)
    for part in ("models", "maps", "provenance.json", citations.FILE):
        if (scratch / part).exists():
            shutil.rmtree(made.path / part, ignore_errors=True)
            (scratch / part).rename(made.path / part)
    return made


def _check_yaml(path: Path) -> None:
    """Refuse aliases, by which few bytes of YAML become any number of values.

    Raises:
        TamrlError: the file has one, or is not YAML.
    """
    import yaml

    loader = getattr(yaml, "CSafeLoader", yaml.SafeLoader)
    try:
        with path.open("rb") as file:
            odd = any(isinstance(event, yaml.AliasEvent) for event in yaml.parse(file, loader))
    except (OSError, yaml.YAMLError, ValueError) as error:
        raise TamrlError(f"A file of the workspace is not YAML: {error}", path.name, _TODO) from error
    if odd:
        raise TamrlError("A file of the workspace refers to itself", path.name, _TODO)


def _check_arrays(archive: Path) -> None:
    """Refuse an archive whose arrays would not fit into memory, by the sizes that their metadata declare.

    Raises:
        TamrlError: one is too large, or its metadata cannot be understood.
    """
    total = 0
    for path in archive.rglob("zarr.json"):
        try:
            about = json.loads(path.read_text(encoding="utf-8"))
            shapes = [about["shape"]] if about.get("node_type") == "array" else []
            inner = (about.get("consolidated_metadata") or {}).get("metadata", {})
            shapes += [one["shape"] for one in inner.values() if one.get("node_type") == "array"]
            sizes = [math.prod(int(length) for length in shape) for shape in shapes]
        except (OSError, ValueError, KeyError, TypeError, AttributeError, RecursionError) as error:
            raise TamrlError(f"The archive cannot be understood: {error}", path.parent.name, _TODO) from error
        if max(sizes, default=0) > _MOST_VALUES:
            raise TamrlError("The archive is larger than towers can be", path.parent.name, _TODO)
        total += 8 * sum(sizes) if about.get("node_type") == "array" else 0
    if total > _MOST_BYTES:
        raise TamrlError("The archive is larger than fits into the memory", archive.name, _TODO)
