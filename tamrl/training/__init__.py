"""From an archive to an ensemble: batches, losses, members, calibration."""
