"""Files, processes and devices: what any program of this kind needs."""
