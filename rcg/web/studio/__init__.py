"""Pages of the area Datasets."""
