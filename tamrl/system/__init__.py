"""Files, processes and devices: infrastructure that knows nothing of carbon fluxes."""
