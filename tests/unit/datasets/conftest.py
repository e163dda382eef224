"""Property tests of datasets are held to answers, never to time: a busy machine fails nobody."""

from hypothesis import settings

settings.register_profile("datasets", deadline=None)
settings.load_profile("datasets")
