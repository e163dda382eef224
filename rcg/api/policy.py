"""Which requests are public, which scope the others need, how large a body may be: all in one place."""

from __future__ import annotations

import re

from rcg.api.auth.principal import Scope
from rcg.settings import LimitSettings

PUBLIC_PATHS = frozenset({
    "/health", "/health/live", "/health/ready", "/api/health",
    "/sign-in", "/link", "/pair", "/certificate", "/certificate/rcg-ca.crt", "/api/auth/redeem",
    "/favicon.ico",
})  # fmt: skip
"""what answers without credentials, besides files below /static/; nothing else does"""
PUBLIC_FOLDER = "/static/"

SAFE_METHODS = frozenset({"GET", "HEAD", "OPTIONS"})
JSON_BODY_BYTES = 2_000_000
ANNOTATIONS_BYTES = 32_000_000  # thousands of polygons copied in one step
_MEGABYTE = 1_000_000
_MULTIPART_OVERHEAD = 1_000_000

_OWNER = (
    "/api/tokens",
    "/api/sessions",
    "/api/links",
    "/api/pairing",
    "/api/settings",
    "/api/logs",
    "/settings",
)
_CAPTURE = (
    "/api/cards", "/api/captures", "/api/blobs", "/api/jobs", "/api/grade", "/api/demo", "/grade",
    "/api/rigs", "/api/capture", "/api/mat", "/capture",
)  # fmt: skip
_LABEL = ("/api/datasets", "/api/items", "/api/kinds", "/api/recipes", "/api/versions", "/api/jobs")
_TRAIN = (
    "/api/training", "/api/models", "/api/weights", "/api/revolutionary-training", "/api/architectures",
    "/api/jobs",
)  # fmt: skip
_CHANGES: tuple[tuple[Scope, tuple[str, ...]], ...] = (
    ("capture", _CAPTURE), ("label", _LABEL), ("train", _TRAIN),
)  # fmt: skip
_ANYBODY = ("/api/me", "/api/auth")
WEIGHTS = "/api/weights"
_ONE_IMAGE = re.compile(r"/api/blobs/[^/]+")
_DATASET_FILES = re.compile(r"/api/datasets/(create|[^/]+/(files|import|upload/(images|annotations)))")
_ANNOTATIONS = re.compile(r"/api/items/[^/]+/ops")
_MANY_IMAGES = re.compile(
    r"/api/grade|/api/captures/[^/]+/files|/api/rigs/[^/]+/calibrations/files|/grade(/.*)?"
)


def is_public(path: str) -> bool:
    """Whether a path answers without credentials."""
    return path in PUBLIC_PATHS or path.startswith(PUBLIC_FOLDER)


def is_crooked(path: str) -> bool:
    """Whether a path tries to climb, or holds what no address of RCG holds. Such paths are refused unseen."""
    parts = path.split("/")
    return ".." in parts or "." in parts or "\\" in path or any(ord(char) < 32 for char in path)


def scopes_for(method: str, path: str) -> tuple[Scope, ...]:
    """Return the scopes of which a request needs one; empty where being signed in is enough.

    What is not listed needs ``read`` to look and ``admin`` to change.
    """
    if _below(path, _ANYBODY):
        return ()
    if _below(path, _OWNER):
        return ("admin",)
    if _below(path, ("/api/blobs",)):
        return (
            "capture",
        )  # an original holds what its camera wrote, so a script that only reads never sees it
    if method in SAFE_METHODS:
        return ("read",)
    return tuple(scope for scope, roots in _CHANGES if _below(path, roots)) or ("admin",)


def body_limit(path: str, limits: LimitSettings) -> int:
    """Return how many bytes the body of a request to a path may have."""
    if _ONE_IMAGE.fullmatch(path):
        return limits.image_mb * _MEGABYTE
    if _MANY_IMAGES.fullmatch(path):
        return limits.image_mb * limits.frames_per_capture * _MEGABYTE + _MULTIPART_OVERHEAD
    if _DATASET_FILES.fullmatch(path):
        return limits.archive_mb * _MEGABYTE + _MULTIPART_OVERHEAD
    if path == WEIGHTS:
        return limits.weights_mb * _MEGABYTE + _MULTIPART_OVERHEAD
    if _ANNOTATIONS.fullmatch(path):
        return ANNOTATIONS_BYTES
    return JSON_BODY_BYTES


def limit_hint(path: str) -> str:
    """Return what to do with a body over its limit."""
    if path == WEIGHTS:
        return "Send one file at a time, or raise limits.weights_mb in config/rcg.toml."
    if _DATASET_FILES.fullmatch(path):
        return "Send it in parts, or raise limits.archive_mb in config/rcg.toml."
    return "Send images by PUT /api/blobs/SHA256; their limit is limits.image_mb in config/rcg.toml."


def _below(path: str, roots: tuple[str, ...]) -> bool:
    return any(path == root or path.startswith(f"{root}/") for root in roots)
