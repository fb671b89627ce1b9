"""One reader a kind of tower file."""
