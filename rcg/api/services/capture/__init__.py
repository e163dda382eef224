"""Capture sessions: begun, lit, filled with frames, graded."""
