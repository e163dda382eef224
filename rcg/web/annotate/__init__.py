"""Pages of the area Annotate."""
