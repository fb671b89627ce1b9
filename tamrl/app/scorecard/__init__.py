"""The Scorecard."""
