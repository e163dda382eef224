"""The picture that shows what was taken for the ball, and where each light is mirrored in it."""

from __future__ import annotations

from collections.abc import Sequence

import cv2
import numpy as np

from rcg.capture.card_input import FrameFile
from rcg.photometric import images
from rcg.photometric.calibrate.ball import BallSeen
from rcg.photometric.calibrate.pictures import linear
from rcg.photometric.linearise import to_srgb_u8

_LONGEST_PX = 480
_OUTLINE, _MARK = (46, 160, 230), (235, 110, 40)


def ball_picture(files: Sequence[FrameFile], balls: Sequence[BallSeen]) -> bytes:
    """Return a WebP picture of the surroundings of the balls, with their outlines and highlights drawn in.

    Args:
        files: of one set; what is bright in any of them is bright in the picture.
        balls: that were found in it.
    """
    brightest = None
    for file in files:
        frame = images.decode(file.read(), name=file.light, file_name=file.file_name)
        values = linear(frame)
        brightest = values if brightest is None else np.maximum(brightest, values)
    if brightest is None:
        raise ValueError("no file")
    left, top, right, bottom = _window(balls, brightest.shape)
    part = np.ascontiguousarray(brightest[top:bottom, left:right])
    scale = _LONGEST_PX / max(part.shape[:2])
    size = (round(part.shape[1] * scale), round(part.shape[0] * scale))
    how = cv2.INTER_AREA if scale < 1 else cv2.INTER_LINEAR
    resized = np.asarray(cv2.resize(part, size, interpolation=how), np.float32)
    drawn = np.ascontiguousarray(to_srgb_u8(resized))
    for ball in balls:
        middle = _at(ball.centre_px, left, top, scale)
        cv2.circle(drawn, middle, round(ball.radius_px * scale), _OUTLINE, 1, cv2.LINE_AA)
        for number, place in enumerate(ball.highlights_px, 1):
            at = _at(place, left, top, scale)
            cv2.drawMarker(drawn, at, _MARK, cv2.MARKER_CROSS, 9, 1, cv2.LINE_AA)
            cv2.putText(
                drawn, str(number), (at[0] + 6, at[1] - 5), cv2.FONT_HERSHEY_SIMPLEX, 0.4, _MARK, 1,
                cv2.LINE_AA
            )  # fmt: skip
    done, data = cv2.imencode(".webp", drawn[..., ::-1], [cv2.IMWRITE_WEBP_QUALITY, 88])
    if not done:
        raise ValueError("the picture could not be encoded")
    return bytes(data)


def _window(balls: Sequence[BallSeen], shape: tuple[int, ...]) -> tuple[int, int, int, int]:
    reach = [1.3 * ball.radius_px for ball in balls]
    x, y = [ball.centre_px[0] for ball in balls], [ball.centre_px[1] for ball in balls]
    left = min(c - r for c, r in zip(x, reach, strict=True))
    top = min(c - r for c, r in zip(y, reach, strict=True))
    right = max(c + r for c, r in zip(x, reach, strict=True))
    bottom = max(c + r for c, r in zip(y, reach, strict=True))
    return max(0, int(left)), max(0, int(top)), min(shape[1], int(right) + 1), min(shape[0], int(bottom) + 1)


def _at(place: tuple[float, float], left: int, top: int, scale: float) -> tuple[int, int]:
    return round((place[0] - left + 0.5) * scale - 0.5), round((place[1] - top + 0.5) * scale - 0.5)
