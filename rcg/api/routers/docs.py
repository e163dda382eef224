"""The page of the API's documentation, served from here: no CDN, and no inline script, as the CSP asks."""

from __future__ import annotations

from fastapi import APIRouter
from fastapi.responses import HTMLResponse

router = APIRouter()

_PAGE = """<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>RCG API</title>
<link rel="icon" href="/favicon.ico">
<link rel="stylesheet" href="/static/dist/swagger-ui/swagger-ui.css">
<link rel="stylesheet" href="/static/dist/docs.css">
<script src="/static/dist/swagger-ui/swagger-ui-bundle.js" defer></script>
<script src="/static/dist/docs.js" defer></script>
</head>
<body>
<main id="swagger-ui" data-url="/api/openapi.json">
<noscript>This page needs JavaScript; the document does not:
<a href="/api/openapi.json">/api/openapi.json</a>.</noscript>
</main>
</body>
</html>
"""


@router.get("/docs", include_in_schema=False)
def docs() -> HTMLResponse:
    """The page."""
    return HTMLResponse(_PAGE)
