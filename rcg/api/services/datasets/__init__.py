"""Datasets, as the routes and the pages ask for them. Every module is one matter; SQL is in the
repositories."""
