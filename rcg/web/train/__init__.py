"""Pages of the area Train."""
