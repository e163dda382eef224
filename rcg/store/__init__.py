"""The database, the blobs, and how they are kept."""
