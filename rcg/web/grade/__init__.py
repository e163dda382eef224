"""Cards and their reports."""
