"""From raw tower files to the archive: readers, checks, storage."""
