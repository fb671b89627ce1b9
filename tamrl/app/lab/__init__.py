"""The few-shot lab."""
