"""The face: state, caches, background work and the pieces of pages. Only here is streamlit imported."""
