"""Archives that mean harm, or came in pieces."""

import io
import os
import stat
import tarfile
import zipfile

import pytest

from rcg.datasets.archives import Limits, is_archive, unpack
from rcg.errors import InputError, TooLargeError


def zipped(path, *members, packing=zipfile.ZIP_DEFLATED):
    with zipfile.ZipFile(path, "w", packing) as archive:
        for name, data in members:
            archive.writestr(name, data)
    return path


def tarred(path, *members, mode="w"):
    with tarfile.open(path, mode) as archive:
        for name, data in members:
            info = tarfile.TarInfo(name)
            info.size = len(data)
            archive.addfile(info, io.BytesIO(data))
    return path


@pytest.fixture
def into(tmp_path):
    folder = tmp_path / "into"
    folder.mkdir()
    return folder


def everything(folder):
    return sorted(path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())


NAMES = [
    "a.png",
    "sub/ünï.png",
    "карта/лицо.png",
    "カード.png",
    "بطاقة.png",
    "עברית.png",
    "emoji 🂡.png",
    "thaiการ์ด.png",
]


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz", "tar.bz2", "tar.xz"])
def test_names_in_every_script_come_out(kind, tmp_path, into):
    members = [(name, name.encode()) for name in NAMES]
    path = tmp_path / f"a.{kind}"
    if kind == "zip":
        zipped(path, *members)
    else:
        tarred(path, *members, mode="w:" + kind.partition(".")[2])
    assert is_archive(path)
    made = unpack(path, into)
    assert everything(into) == sorted(NAMES)
    assert [file.read_bytes().decode() for file in made] == NAMES


def test_utf8_that_a_zip_does_not_announce_is_read(tmp_path, into):
    path = zipped(tmp_path / "a.zip", ("XXXXX.png", b"1"))
    path.write_bytes(path.read_bytes().replace(b"XXXXX", "äöß"[:2].encode() + b"x"))
    unpack(path, into)
    assert everything(into) == ["äöx.png"]


@pytest.mark.parametrize(
    "name", ["../out.png", "a/../../out.png", "/etc/out.png", "..\\out.png", "C:\\out.png", "C:/out"]
)
def test_a_path_that_climbs_out_is_refused_and_nothing_is_kept(name, tmp_path, into):
    for path in (
        zipped(tmp_path / "a.zip", ("ok.png", b"1"), (name, b"2")),
        tarred(tmp_path / "a.tar", ("ok.png", b"1"), (name, b"2")),
    ):
        with pytest.raises(InputError, match="leads out"):
            unpack(path, into)
        assert everything(into) == []
    assert not (tmp_path / "out.png").exists()


def test_links_and_devices_are_never_made(tmp_path, into):
    path = tmp_path / "a.tar"
    with tarfile.open(path, "w") as archive:
        for name, kind in (
            ("sym", tarfile.SYMTYPE),
            ("hard", tarfile.LNKTYPE),
            ("dev", tarfile.CHRTYPE),
            ("fifo", tarfile.FIFOTYPE),
        ):
            info = tarfile.TarInfo(name)
            info.type, info.linkname = kind, "/etc/passwd"
            archive.addfile(info)
        info = tarfile.TarInfo("ok.txt")
        info.size = 2
        archive.addfile(info, io.BytesIO(b"ok"))
    unpack(path, into)
    assert everything(into) == ["ok.txt"]
    linked = tmp_path / "b.zip"
    with zipfile.ZipFile(linked, "w") as archive:
        info = zipfile.ZipInfo("sym")
        info.external_attr = (stat.S_IFLNK | 0o777) << 16
        archive.writestr(info, "/etc/passwd")
    assert unpack(linked, into) == []


def test_a_bomb_stops_at_the_limit(tmp_path, into):
    path = zipped(tmp_path / "a.zip", ("big", bytes(30_000_000)))
    assert path.stat().st_size < 50_000
    with pytest.raises(TooLargeError, match="30 MB"):
        unpack(path, into, Limits.of(20))
    assert everything(into) == []


def test_a_bomb_that_lies_about_its_size_stops_too(tmp_path, into):
    path = zipped(tmp_path / "a.zip", ("big", bytes(30_000_000)))
    data = path.read_bytes().replace((30_000_000).to_bytes(4, "little"), (1000).to_bytes(4, "little"))
    path.write_bytes(data)
    with pytest.raises((TooLargeError, InputError)):
        unpack(path, into, Limits.of(20))
    assert everything(into) == []
    gz = tarred(tmp_path / "b.tar.gz", ("big", bytes(30_000_000)), mode="w:gz")
    with pytest.raises(TooLargeError, match="20 MB"):
        unpack(gz, into, Limits.of(20))
    assert everything(into) == []


def test_too_many_files_are_refused(tmp_path, into):
    path = zipped(tmp_path / "a.zip", *((f"{at}.txt", b"") for at in range(30)))
    with pytest.raises(TooLargeError, match="20 files"):
        unpack(path, into, Limits(1000, 20))
    assert everything(into) == []


@pytest.mark.parametrize("kind", ["zip", "tar", "tar.gz"])
@pytest.mark.parametrize("share", [0.2, 0.6, 0.97])
def test_an_archive_cut_short_is_said(kind, share, tmp_path, into):
    path = tmp_path / f"a.{kind}"
    members = [(f"{at}.bin", os.urandom(20_000)) for at in range(10)]
    zipped(path, *members) if kind == "zip" else tarred(path, *members, mode="w:" + kind.partition(".")[2])
    data = path.read_bytes()
    path.write_bytes(data[: int(len(data) * share)])
    with pytest.raises(InputError, match=r"cut short|end is missing"):
        unpack(path, into, name="mine.zip")
    assert everything(into) == []


def test_a_damaged_member_is_said(tmp_path, into):
    path = zipped(tmp_path / "a.zip", ("a.bin", b"x" * 50_000), packing=zipfile.ZIP_STORED)
    data = bytearray(path.read_bytes())
    data[25_000] ^= 0xFF
    path.write_bytes(data)
    with pytest.raises(InputError, match="damaged"):
        unpack(path, into)
    assert everything(into) == []


def test_an_encrypted_archive_is_said(tmp_path, into):
    path = zipped(tmp_path / "a.zip", ("a.bin", b"x"))
    data = bytearray(path.read_bytes())
    data[6] |= 1
    data[data.index(b"PK\x01\x02") + 8] |= 1
    path.write_bytes(data)
    with pytest.raises(InputError, match="encrypted"):
        unpack(path, into)


def test_what_is_no_archive_is_said(tmp_path, into):
    path = tmp_path / "a.zip"
    for data in (b"", b"hello", b"\x89PNG\r\n\x1a\n" + bytes(600)):
        path.write_bytes(data)
        assert not is_archive(path)
        with pytest.raises(InputError, match="no zip or tar"):
            unpack(path, into)


def test_two_files_of_one_name_are_told_apart(tmp_path, into):
    with pytest.warns(UserWarning, match="Duplicate"):
        path = zipped(tmp_path / "a.zip", ("a/b.png", b"1"), ("a/B.png", b"2"), ("a/b.png", b"3"))
    unpack(path, into)
    assert everything(into) == ["a/B (2).png", "a/b (3).png", "a/b.png"]


def test_what_systems_leave_behind_stays_out(tmp_path, into):
    path = zipped(
        tmp_path / "a.zip",
        ("__MACOSX/._a.png", b"1"),
        ("x/.DS_Store", b"1"),
        ("x/Thumbs.db", b"1"),
        ("x/a.png", b"1"),
    )
    unpack(path, into)
    assert everything(into) == ["x/a.png"]


def test_forbidden_and_endless_names_are_made_fit(tmp_path, into):
    path = tarred(tmp_path / "a.tar", ("a:b?.png", b"1"), ("ж" * 300 + ".png", b"2"))
    unpack(path, into)
    first, second = everything(into)
    assert first == "a_b_.png"
    assert second.endswith("ж.png")
    assert len(second.encode()) <= 255


def test_stopping_leaves_nothing(tmp_path, into):
    path = zipped(tmp_path / "a.zip", ("a", b"1"), ("b", b"2"))
    calls = []

    def check():
        calls.append(1)
        if len(calls) == 2:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        unpack(path, into, check=check)
    assert everything(into) == []
