"""Things made ahead come in order, whole or with their error, and not too many at a time."""

import threading
import time

import pytest

from rcg.jobs.ahead import ahead


@pytest.mark.parametrize("workers", [1, 2, 5])
def test_things_come_in_order_and_few_are_in_memory(workers):
    taken, most, lock = 0, 0, threading.Lock()
    made = []

    def make(key):
        nonlocal most
        with lock:
            made.append(key)
            most = max(most, len(made) - taken)
        time.sleep(0.002 * (key % 3))
        return key * key

    found = []
    for value in ahead(make, range(20), workers):
        taken += 1
        found.append(value)
    assert found == [key * key for key in range(20)]
    assert most <= workers + 1


def test_an_error_comes_in_its_turn_and_ends_the_making():
    made = []

    def make(key):
        made.append(key)
        if key == 3:
            raise ValueError("three")
        return key

    found = []
    with pytest.raises(ValueError, match="three"):
        found.extend(ahead(make, range(100), 2))
    assert len(made) <= 7


def test_who_stops_listening_stops_the_making():
    made = []
    for value in ahead(lambda key: made.append(key) or key, range(100), 2):
        if value == 4:
            break
    time.sleep(0.05)
    assert len(made) <= 9
