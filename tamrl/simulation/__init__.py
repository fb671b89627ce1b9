"""SIMULATED towers whose truth is known."""
