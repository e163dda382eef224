"""A folder that another program fills: what becomes a frame, in which order, what is left aside and why."""

import io
import os

import pytest
from PIL import Image

from rcg.capture import watch as watching
from rcg.capture.watch import FolderError, Watch
from rcg.errors import ConflictError, UnavailableError

WANTED = ["ambient", "1", "2", "3", "4"]


def image(shade, kind="JPEG", size=(40, 30)):
    file = io.BytesIO()
    Image.new("RGB", size, (shade, shade, shade)).save(file, kind)
    return file.getvalue()


class Side:
    """A side that wants frames, and keeps them."""

    def __init__(self):
        self.frames = {}
        self.error = None

    def wanted(self):
        return next((light for light in WANTED if light not in self.frames), None)

    def take(self, light, data, sha256, taken_at):
        if self.error:
            raise self.error
        self.frames[light] = (data, taken_at)


class Clock:
    def __init__(self, watch):
        self.watch, self.now = watch, 100.0

    def looks(self, seconds=1.0):
        """Look twice, so far apart that what stands still is whole; return what became of files."""
        notes = self.watch.look(self.now)
        self.now += seconds
        return notes + self.watch.look(self.now)


@pytest.fixture
def side():
    return Side()


@pytest.fixture
def begun(tmp_path, side):
    def make(**options):
        watch = Watch(tmp_path / "in", side, **options)
        (tmp_path / "in").mkdir(exist_ok=True)
        watch.begin()
        return Clock(watch)

    return make


@pytest.fixture
def put(tmp_path):
    def write(name, data, at=None):
        (tmp_path / "in").mkdir(exist_ok=True)
        path = tmp_path / "in" / name
        path.write_bytes(data)
        if at is not None:
            os.utime(path, (at, at))
        return path

    return write


def said(notes):
    return [(note.file_name, note.light) for note in notes]


def test_files_become_frames_in_the_order_of_their_time_the_ambient_one_first(begun, put, side, tmp_path):
    put("IMG_0001.JPG", image(1))
    clock = begun()
    assert clock.looks() == [], "what lay there before is of another card"
    for number, at in ((11, 3000), (9, 1000), (10, 2000)):
        put(f"IMG_{number}.JPG", image(10 * number), at)
    assert said(clock.looks()) == [("IMG_9.JPG", "ambient"), ("IMG_10.JPG", "1"), ("IMG_11.JPG", "2")]
    assert side.frames["1"] == (image(100), 2_000_000)
    put("IMG_13.png", image(13, "PNG"), 5000)
    put("IMG_12.webp", image(12, "WEBP"), 5000)
    assert said(clock.looks()) == [("IMG_12.webp", "3"), ("IMG_13.png", "4")], "one time: by number"
    assert min(path.name for path in (tmp_path / "in").iterdir()) == "IMG_0001.JPG"
    assert len(list((tmp_path / "in").iterdir())) == 6, "nothing of the user's is ever removed"


def test_a_half_written_file_is_waited_for_and_holds_up_what_came_after_it(begun, put, side):
    clock = begun()
    whole = image(7, size=(400, 300))
    put("1.jpg", whole[:200])
    assert clock.looks() == []
    put("2.jpg", image(2))
    assert clock.looks() == [], "2.jpg must not take the light of 1.jpg"
    put("1.jpg", whole)
    assert said(clock.looks()) == [("1.jpg", "ambient"), ("2.jpg", "1")]
    assert side.frames["ambient"][0] == whole


def test_a_file_that_stays_without_its_end_is_told_of_once_and_lets_the_others_pass(begun, put):
    clock = begun()
    put("1.jpg", image(7)[:-2])
    assert clock.looks() == []
    (note,) = clock.looks(watching.PATIENCE_S + 1)
    assert (note.file_name, note.light) == ("1.jpg", None)
    assert "Its end is missing" in note.words
    put("2.jpg", image(2))
    assert said(clock.looks()) == [("2.jpg", "ambient")]
    put("1.jpg", image(7))
    assert said(clock.looks()) == [("1.jpg", "1")], "its end came at last"


def test_what_is_no_frame_is_left_aside_with_the_reason(begun, put):
    clock = begun(max_bytes=5000)
    put("notes.txt", b"hello")
    put("shot.CR3", b"raw")
    put("shot.xmp", b"beside")
    put("wrong.jpg", b"%PDF-1.4 no picture")
    put("huge.png", image(1, "PNG") + b"x" * 6000)
    words = {note.file_name: note.words for note in clock.looks()}
    assert set(words) == {"notes.txt", "shot.CR3", "wrong.jpg", "huge.png"}
    assert "no JPEG, PNG" in words["notes.txt"]
    assert "set the camera to JPEG" in words["shot.CR3"]
    assert "application/pdf" in words["wrong.jpg"]
    assert "limits.image_mb" in words["huge.png"]
    assert clock.looks() == [], "told once"


def test_the_same_picture_twice_and_too_many_are_left_aside(begun, put, side):
    clock = begun(existing=True)
    for number in range(5):
        put(f"{number}.jpg", image(number), 1000 + number)
    put("0 copy.jpg", image(0), 1010)
    put("extra.jpg", image(99), 1020)
    notes = {note.file_name: note for note in clock.looks()}
    assert "byte for byte 0.jpg" in notes["0 copy.jpg"].words
    assert "turn the card over first" in notes["extra.jpg"].words
    assert list(side.frames) == WANTED


def test_a_program_that_saves_under_one_name_gives_a_frame_each_time(begun, put):
    clock = begun()
    put("capture.jpg", image(1), 1000)
    assert said(clock.looks()) == [("capture.jpg", "ambient")]
    put("capture.jpg", image(2), 2000)
    assert said(clock.looks()) == [("capture.jpg", "1")]


def test_a_full_disk_keeps_the_file_for_later_and_a_refusal_does_not(begun, put, side):
    clock = begun()
    side.error = UnavailableError("The disk is full.", "Make room.")
    put("1.jpg", image(1))
    assert clock.looks() == []
    assert clock.watch.problem == "The disk is full. Make room."
    side.error = None
    assert said(clock.looks()) == [("1.jpg", "ambient")]
    assert clock.watch.problem == ""
    side.error = ConflictError("This session was cancelled.", "Begin a new one.")
    put("2.jpg", image(2))
    (note,) = clock.looks()
    assert note.words == "This session was cancelled. Begin a new one."


@pytest.mark.skipif(os.geteuid() == 0, reason="root may read everything")
def test_a_file_that_may_not_be_read_is_told_of_once_and_taken_when_it_may(begun, put):
    clock = begun()
    path = put("1.jpg", image(1))
    path.chmod(0)
    (note,) = clock.looks()
    assert "Permission denied" in note.words
    assert clock.looks() == []
    path.chmod(0o644)
    assert said(clock.looks()) == [("1.jpg", "ambient")]


def test_a_folder_that_cannot_be_watched_says_why(tmp_path, side, monkeypatch):
    with pytest.raises(FolderError, match="does not exist"):
        Watch(tmp_path / "none", side).begin()
    (tmp_path / "file").write_text("x")
    with pytest.raises(FolderError, match="is no folder"):
        Watch(tmp_path / "file", side).begin()
    (tmp_path / "many").mkdir()
    for number in range(4):
        (tmp_path / "many" / f"{number}.jpg").write_bytes(b"x")
    monkeypatch.setattr(watching, "MAX_ENTRIES", 3)
    with pytest.raises(FolderError, match="more than 3 files"):
        Watch(tmp_path / "many", side).begin()

    def refused(_folder):
        raise PermissionError(13, "Permission denied")

    monkeypatch.setattr(watching.os, "scandir", refused)
    with pytest.raises(FolderError, match="may not be read by this user"):
        Watch(tmp_path, side).begin()


def test_a_folder_that_goes_away_is_waited_for(begun, put, tmp_path):
    clock = begun()
    (tmp_path / "in").rename(tmp_path / "away")
    assert clock.looks() == []
    assert "does not exist" in clock.watch.problem
    (tmp_path / "away").rename(tmp_path / "in")
    put("1.jpg", image(1))
    assert said(clock.looks()) == [("1.jpg", "ambient")]
    assert clock.watch.problem == ""
