"""What pages share: widgets, state of the address, caches, jobs, sidebar, theme."""
