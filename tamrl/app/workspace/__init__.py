"""The Workspace page: towers of one's own, dropped, looked at, accepted and adapted to."""
