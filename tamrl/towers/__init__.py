"""Tower files to one archive: readers, checks, audit, and the workspace that holds them; no torch."""
