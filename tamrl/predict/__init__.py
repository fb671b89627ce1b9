"""Fluxes of one tower from a trained ensemble: zero-shot, adapted, and as files."""
