"""The place where a photograph was taken goes; the picture stays, bit for bit."""

from __future__ import annotations

import io

import numpy as np
import pytest
from PIL import Image
from PIL.TiffImagePlugin import ImageFileDirectory_v2

from rcg.errors import InputError
from rcg.photometric.metadata import ACCEPTED, sniff, strip_location

_SAVED_AS = {"image/jpeg": "JPEG", "image/png": "PNG", "image/tiff": "TIFF", "image/webp": "WEBP"}
XMP = b'<x:xmpmeta xmlns:x="adobe:ns:meta/"><exif:GPSLatitude>48,8.5N</exif:GPSLatitude></x:xmpmeta>'


def photograph(media_type: str) -> bytes:
    """A picture with GPS (latitude 48 8 30), XMP with GPS, a camera, an orientation."""
    pixels = np.random.default_rng(1).integers(0, 255, (70, 90, 3), np.uint8)
    exif = Image.Exif()
    exif[0x0112] = 6
    exif[0x010F] = "Camera & Sons"
    gps = exif.get_ifd(0x8825)
    gps.update({1: "N", 2: (48.0, 8.0, 30.25), 3: "E", 4: (11.0, 34.0, 12.5), 29: "2026:11:23"})
    exif.get_ifd(0x8769)[0x9003] = "2026:11:23 10:00:00"
    out = io.BytesIO()
    options: dict[str, object] = {"exif": exif}
    if media_type in ("image/jpeg", "image/webp"):
        options["xmp"] = XMP
    if media_type == "image/tiff":
        directory = ImageFileDirectory_v2()
        directory[700] = XMP
        directory[0x0112] = 6
        directory[0x010F] = "Camera & Sons"
        directory[0x8825] = dict(gps)
        directory.tagtype[0x8825] = 4
        options = {"tiffinfo": directory}
    if media_type == "image/png":
        from PIL.PngImagePlugin import PngInfo

        info = PngInfo()
        info.add_itxt("XML:com.adobe.xmp", XMP.decode())
        options["pnginfo"] = info
    Image.fromarray(pixels).save(out, _SAVED_AS[media_type], **options)
    return out.getvalue()


def gps_of(data: bytes) -> dict[int, object]:
    return dict(Image.open(io.BytesIO(data)).getexif().get_ifd(0x8825))


@pytest.mark.parametrize("media_type", ACCEPTED)
def test_place_goes_and_picture_stays(media_type: str) -> None:
    before = photograph(media_type)
    assert sniff(before) == media_type
    assert gps_of(before)[2] == (48.0, 8.0, 30.25)
    after = strip_location(before, media_type)
    assert gps_of(after) == {}
    for trace in (b"GPSLatitude", b"2026:11:23\0"):
        assert trace not in after
    image = Image.open(io.BytesIO(after))
    assert image.getexif()[0x0112] == 6
    assert image.getexif()[0x010F] == "Camera & Sons"
    np.testing.assert_array_equal(np.asarray(image), np.asarray(Image.open(io.BytesIO(before))))


@pytest.mark.parametrize("media_type", ACCEPTED)
def test_twice_is_once(media_type: str) -> None:
    once = strip_location(photograph(media_type), media_type)
    assert strip_location(once, media_type) == once


@pytest.mark.parametrize("media_type", ACCEPTED)
def test_the_position_is_nowhere_in_the_bytes(media_type: str) -> None:
    """48, 8 and 30.25 degrees, minutes, seconds as Exif rationals, in either byte order."""
    before = photograph(media_type)
    latitude = [b"".join(n.to_bytes(4, order) for n in (48, 1, 8, 1, 121, 4)) for order in ("little", "big")]
    assert any(value in before for value in latitude)
    after = strip_location(before, media_type)
    assert not any(value in after for value in latitude)


def test_what_is_appended_to_a_jpeg_goes() -> None:
    """Phones append a second picture, with its own Exif, or a film."""
    plain = photograph("image/jpeg")
    assert strip_location(plain + photograph("image/jpeg"), "image/jpeg") == strip_location(
        plain, "image/jpeg"
    )


def test_colour_profile_stays() -> None:
    from PIL import ImageCms

    profile = ImageCms.ImageCmsProfile(ImageCms.createProfile("sRGB")).tobytes()
    for media_type, kind in _SAVED_AS.items():
        out = io.BytesIO()
        Image.fromarray(np.zeros((70, 90, 3), np.uint8)).save(out, kind, icc_profile=profile)
        after = strip_location(out.getvalue(), media_type)
        assert Image.open(io.BytesIO(after)).info["icc_profile"] == profile


@pytest.mark.parametrize("media_type", ACCEPTED)
def test_damaged_files_are_refused_not_passed_on(media_type: str) -> None:
    with pytest.raises(InputError):
        strip_location(photograph(media_type)[:60], media_type)


def test_unknown_kind_is_refused() -> None:
    with pytest.raises(InputError, match="image/gif"):
        strip_location(b"GIF89a", "image/gif")
