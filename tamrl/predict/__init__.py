"""Fluxes of one tower from a trained ensemble: zero-shot, adapted, and as files."""

import sys

import tamrl

sys.modules[__name__].__class__ = tamrl.CallableRoom
