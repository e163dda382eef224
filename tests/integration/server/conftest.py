"""Servers that are gone when their test is."""

import pytest

from .running import Running


@pytest.fixture(scope="module")
def server(tmp_path_factory):
    """One ready server for the tests that leave it as it is; its folders have a quote and a space."""
    running = Running(tmp_path_factory.mktemp("a user's rcg"))
    try:
        yield running.until_ready()
    finally:
        running.kill()


@pytest.fixture
def serve(tmp_path):
    """Start servers; each is killed at the end if it still lives."""
    started = []

    def start(*args, folder=None, **env):
        started.append(Running(folder or tmp_path, *args, **env))
        return started[-1]

    yield start
    for server in started:
        server.kill()
