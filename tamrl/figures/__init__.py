"""Figures: Dataset or DataFrame in, plotly Figure or pydeck Deck out. Nothing here imports streamlit."""
