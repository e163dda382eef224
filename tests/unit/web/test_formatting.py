import pytest

from rcg.web import formatting as f


@pytest.mark.parametrize(
    ("value", "text"), [(None, "-"), (float("nan"), "-"), (-0.004, "0.00"), (-1.5, "−1.50"), (2, "2.00")]
)
def test_number(value, text):
    assert f.number(value) == text


def test_a_pair_sums_to_a_hundred_as_written():
    assert f.pair((51.25, 48.75)) == "51.2 / 48.8"
    assert f.pair(None) == "-"


def test_units_stand_behind_a_thin_space():
    assert f.unit(0.043, "mm", 3) == "0.043\u2009mm"
    assert f.unit(None, "mm") == "-"
    assert f.unit(0.4, "pt", 1, sign=True) == "+0.4\u2009pt"


@pytest.mark.parametrize(
    ("count", "text"), [(0, "0 B"), (999, "999 B"), (342_000, "342 kB"), (2_710_000, "2.7 MB"), (None, "-")]
)
def test_size(count, text):
    assert f.size(count) == text.replace(" ", "\u2009")


@pytest.mark.parametrize(
    ("value", "text"), [(0.42, "0.4 s"), (59.6, "1 min"), (200, "3 min 20 s"), (7500, "2 h 5 min")]
)
def test_seconds(value, text):
    assert f.seconds(value).replace("\u2009", " ") == text


def test_time_left_is_a_range_and_silent_while_nothing_is_known():
    assert f.time_left(0.01, 0, now=9000) == ""
    assert f.time_left(0.5, None) == ""
    assert f.time_left(0.5, 0, now=20_000) == "14 to 28\u2009s left"
    assert f.time_left(0.25, 0, now=600_000) == "21 to 42\u2009min left"


def test_when_is_machine_readable():
    assert f.when(0) == '<time datetime="1970-01-01T00:00:00+00:00" data-ms="0">1 Jan 1970, 00:00 UTC</time>'
