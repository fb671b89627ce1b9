"""The form that imports a product, by path or by upload."""

import tempfile
from collections.abc import Callable
from pathlib import Path
from typing import TYPE_CHECKING, Any

import streamlit as st
import yaml

from tamrl.app.shared import components, jobs, state, visitor, waiting
from tamrl.app.world import about, cache, imported, session
from tamrl.errors import TamrlError
from tamrl.maps import catalog, imports
from tamrl.maps.catalog import MapsEntry
from tamrl.maps.contained import import_contained
from tamrl.maps.products.registry import PRODUCTS
from tamrl.system.contained import Bounds
from tamrl.towers.shelf import file_name
from tamrl.towers.workspace import Workspace

if TYPE_CHECKING:
    from streamlit.runtime.uploaded_file_manager import UploadedFile

_MAPPING = """GPP: {variable: gpp, unit: "gC m-2 d-1"}
NEE: {variable: nep, unit: "kg m-2 s-1", sign: -1}
"""
_AUTO = "auto"
_BOX = "Path on the computer that runs this app"


def _uploader() -> list[Any]:
    """Draw the box for files and return what was sent."""
    sent = st.file_uploader(
        "Or upload files" if visitor.access().paths else "Files",
        type=["nc", "nc4", "zip"],
        accept_multiple_files=True,
        key=imported.uploader_key(),
        help="NetCDF files of one product, or a Zarr store packed as ZIP",
    )
    return sent or []


def form(workspace: Workspace | None) -> None:
    """Draw what is asked of an import, and import."""
    access = visitor.access()
    # What lies in a workspace is seen by all: a visitor's import is his own.
    into = workspace if access.owner and workspace is not None and not workspace.read_only else None
    with components.guarded():  # a server without a place for imports says so
        st.caption(
            "FLUXCOM-X-BASE, MetaFlux, CEDAR-GPP, CMIP6, TRENDY, maps of this project, or any CF file with a mapping. "
            + (f"It is kept in {into.path / catalog.FOLDER}." if into else _kept_for(access.owner))
        )
    where = ""
    if access.paths:
        where = st.text_input(
            _BOX,
            key="world_import_path",
            placeholder="/data/products/x-base/*.nc" if access.owner else "x-base/*.nc",
            help="A file, a Zarr store, a folder, or a pattern with *. Large products are best imported this way.",
        )
    slot = st.empty()
    with slot:
        sent = _uploader()
    labels = {_AUTO: "Detect automatically", **{key: product.label for key, product in PRODUCTS.items()}}
    kind = st.selectbox("Product", list(labels), key="world_import_kind", format_func=labels.__getitem__)
    mapping = None
    if kind == "cf":
        mapping = st.text_area(
            "Mapping (YAML)",
            key="world_import_mapping",
            placeholder=_MAPPING,
            height=100,
            help="For each flux its variable, its unit, and sign: -1 where uptake is positive, as in nep. Net biome "
            "production, nbp, is never NEE: it has fire and land use in it.",
        )
    if st.button("Import", type="primary", key="world_import_go", disabled=not (where or sent)):
        with components.guarded():
            try:
                _import(where, sent, into, kind, mapping)
            except Exception:
                imported.empty_uploader()  # what was refused is not sent again
                with slot:
                    _uploader()
                raise
            imported.empty_uploader()
            st.rerun()


def _kept_for(owner: bool) -> str:
    """Return in words how long an import is kept that goes into no workspace."""
    limits = visitor.visits().limits
    why = "The open workspace is read-only, so it is" if owner else "It is"
    return (
        f"{why} kept for this session only, {visitor.kept_for()}: nobody else sees it. At most {limits.imports} "
        f"products and {limits.visitor_bytes / 2**30:g} GB, unpacked, are kept."
    )


def _import(where: str, sent: list[Any], workspace: Workspace | None, kind: str, mapping: str | None) -> None:
    """Import, show how far it is, and choose what was imported."""
    access, parsed = visitor.access(), _parsed(mapping)
    into = workspace or session.session_folder(make=True)
    room = None if workspace else visitor.visits().room(visitor.name())
    if room is not None and sum(file.size for file in sent) > room:
        what = f"These files are larger than the {room / 2**30:.1f} GB that you may still import here"
        raise TamrlError(what, ", ".join(file.name for file in sent[:3]), "Upload fewer files, or remove an import")
    paths: list[str | Path] = list(access.expand(where, _BOX)) if where else []
    if access.owner and where:
        paths = [where]  # as it was typed, for the provenance
    with tempfile.TemporaryDirectory(prefix="tamrl-sent-") as scratch:
        paths += [_stored(file, Path(scratch), at) for at, file in enumerate(sent)]
        assert into is not None  # a folder was made

        def work(progress: Callable[[float], None], cancelled: Callable[[], bool]) -> MapsEntry:
            if access.owner:
                return imports.import_product(paths, into, kind, parsed, _until(cancelled, progress))
            assert room is not None  # a visitor's import goes into no workspace
            assert not isinstance(into, Workspace)
            return import_contained(paths, into, kind, parsed, progress, Bounds(room), cancelled)

        entry = waiting.done("Writing the maps", work, jobs.IMPORT, "world_importing")
    said = about.noted(cache.maps(entry))
    if not workspace:
        said["Kept"] = _kept_for(owner=False)
    if said:
        lines = [f"\n- {kind}: {about.kept(words)}" for kind, words in said.items()]
        text = f" {about.kept(said['Notes'])}" if set(said) == {"Notes"} else "\n" + "".join(lines)
        imported.say(entry.path, f"{entry.label} is imported.{text}")
    found = {item.path: key for key, item in session.catalogue(workspace).items()}
    state.put("map", found.get(entry.path, entry.key))
    st.toast(f"{entry.label} is imported.", icon=":material/check:")


def _until(cancelled: Callable[[], bool], progress: Callable[[float], None]) -> Callable[[float], None]:
    """Return a ``progress`` that ends the import once it was cancelled."""

    def told(share: float) -> None:
        if cancelled():
            raise TamrlError("The import was cancelled", "Import", "Begin it again")
        progress(share)

    return told


def _stored(file: "UploadedFile", scratch: Path, number: int) -> Path:
    """Write what was sent to a folder of its own and return it."""
    target = scratch / str(number) / file_name(file.name)
    target.parent.mkdir()
    target.write_bytes(file.getbuffer())
    return target


def _parsed(mapping: str | None) -> dict[str, Any] | None:
    """Return a mapping that was typed.

    Raises:
        TamrlError: it is not YAML, or not a mapping.
    """
    if not mapping or not mapping.strip():
        return None
    try:
        found = yaml.safe_load(mapping)
    except yaml.YAMLError as error:
        raise TamrlError(f"The mapping is not YAML: {error}", "Mapping", "Write it as in the example") from error
    if not isinstance(found, dict):
        raise TamrlError("The mapping names no flux", "Mapping", "Write it as in the example")
    return found
