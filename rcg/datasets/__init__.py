"""Datasets as data: kinds, annotations, formats, versions, splits, augmentation. Library code: no server,
no database."""
