"""Importing a product from the World page, by path or by upload."""

import tempfile
from pathlib import Path

import streamlit as st
import yaml

from tamrl import atlas
from tamrl.errors import TamrlError
from tamrl.ui import components, state, world, world_about, world_cache
from tamrl.ui.world_view import View
from tamrl.workspace import Workspace

_MAPPING = """GPP: {variable: gpp, unit: "gC m-2 d-1"}
NEE: {variable: nep, unit: "kg m-2 s-1", sign: -1}
"""
_AUTO, _SAID = "auto", "tamrl_world_import_notes"


def button(workspace: Workspace | None) -> None:
    """Draw the button that opens the dialog."""
    if st.button("Import", icon=":material/upload_file:", key="world_import", help="Add a product or maps of your own"):
        st.dialog("Import a product", width="large", icon=":material/upload_file:")(form)(workspace)


def form(workspace: Workspace | None) -> None:
    """Draw what is asked of an import, and import."""
    from tamrl.data.products import PRODUCTS

    kept = workspace is not None and not workspace.read_only
    st.caption(
        "FLUXCOM-X-BASE, MetaFlux, CEDAR-GPP, CMIP6, TRENDY, maps of this project, or any CF file with a mapping. "
        + (f"It is kept in {workspace.path / atlas.FOLDER}." if kept else
           "The open workspace is read-only, so it is kept for this session only.")
    )  # fmt: skip
    where = st.text_input(
        "Path on the computer that runs this app", key="world_import_path", placeholder="/data/products/x-base/*.nc",
        help="A file, a Zarr store, a folder, or a pattern with *. Large products are best imported this way.",
    )  # fmt: skip
    sent = st.file_uploader(
        "Or send files", type=["nc", "nc4", "zip"], accept_multiple_files=True, key="world_import_files",
        help="NetCDF files of one product, or a Zarr store packed as ZIP",
    )  # fmt: skip
    labels = {_AUTO: "Find out", **{key: product.label for key, product in PRODUCTS.items()}}
    kind = st.selectbox("Kind", list(labels), key="world_import_kind", format_func=labels.get)
    mapping = None
    if kind == "cf":
        mapping = st.text_area(
            "Mapping (YAML)", key="world_import_mapping", placeholder=_MAPPING, height=100,
            help="For each flux its variable, its unit, and sign: -1 where uptake is positive, as in nep. Net biome "
            "production, nbp, is never NEE: it has fire and land use in it.",
        )  # fmt: skip
    if st.button("Import", type="primary", key="world_import_go", disabled=not (where or sent)):
        with components.guarded():
            _import([where] if where else [], sent or [], workspace if kept else None, kind, mapping)
            st.rerun()


def _import(paths: list[str], sent: list, workspace: Workspace | None, kind: str, mapping: str | None) -> None:
    """Import, show how far it is, and choose what was imported."""
    bar = st.progress(0.0, "Reading the files")
    with tempfile.TemporaryDirectory(prefix="tamrl-sent-") as scratch:
        for file in sent:
            # Names tell what some products hold; a path inside a name is left out.
            target = Path(scratch) / Path(file.name).name
            target.write_bytes(file.getbuffer())
            paths.append(str(target))
        entry = atlas.import_product(
            paths, workspace or world.session_folder(make=True), kind, _parsed(mapping),
            lambda share: bar.progress(share, f"Writing the maps, {share:.0%}"),
        )  # fmt: skip
    bar.empty()
    said = world_about.noted(world_cache.maps(entry))
    if said:
        lines = [f"\n- {kind}: {world_about.kept(words)}" for kind, words in said.items()]
        text = f" {world_about.kept(said['Notes'])}" if "Notes" in said else "\n" + "".join(lines)
        st.session_state[_SAID] = (entry.path, f"{entry.label} is imported.{text}")
    found = {item.path: key for key, item in world.catalogue(workspace).items()}
    state.put("map", found.get(entry.path, entry.key))
    st.toast(f"{entry.label} is imported.", icon=":material/check:")


def remarks(view: View | None) -> None:
    """Show what was noted while the chosen maps were imported, until it is put away or other maps are chosen."""
    path, said = st.session_state.get(_SAID, (None, ""))
    if view is None or view.entry.path != path:
        st.session_state.pop(_SAID, None)
        return
    with st.container(horizontal=True, gap="small", vertical_alignment="center", wrap=False, key="world_import_notes"):
        st.info(said, icon=":material/upload_file:", width="stretch")
        st.button("Close", on_click=st.session_state.pop, args=(_SAID, None), type="tertiary", key="world_import_read")


def _parsed(mapping: str | None) -> dict | None:
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
