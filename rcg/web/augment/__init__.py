"""Pages of the area Augment."""
