import json
import shutil

import pytest

from rcg.errors import StartError
from rcg.web import bundle
from rcg.web.areas import Files


@pytest.fixture
def frontend(tmp_path):
    folder = tmp_path / "frontend"
    (folder / "src").mkdir(parents=True)
    for name in ("package.json", "package-lock.json", "build.mjs", "icons.mjs", "src/main.ts"):
        (folder / name).write_text("{}")
    return folder


def write(dist, source_hash):
    dist.mkdir(parents=True, exist_ok=True)
    (dist / "main-1.js").write_text("")
    (dist / "manifest.json").write_text(
        json.dumps({"source_hash": source_hash, "files": {"main.js": "main-1.js"}})
    )


def test_the_hash_follows_content_and_names(frontend):
    first = bundle.source_hash(frontend)
    (frontend / "src/main.ts").write_text("let a = 1;")
    second = bundle.source_hash(frontend)
    (frontend / "src/main.ts").rename(frontend / "src/other.ts")
    assert len({first, second, bundle.source_hash(frontend)}) == 3


def test_a_current_bundle_is_taken_as_it_is(frontend, tmp_path, monkeypatch):
    write(tmp_path / "dist", bundle.source_hash(frontend))
    monkeypatch.setattr(bundle, "build", lambda *_: pytest.fail("built again"))
    built = bundle.ensure(frontend=frontend, dist=tmp_path / "dist")
    assert built.url("main.js") == "/static/dist/main-1.js"


def test_a_stale_or_deleted_bundle_is_built_again(frontend, tmp_path, monkeypatch):
    dist = tmp_path / "dist"
    said = []
    monkeypatch.setattr(bundle, "build", lambda _front, to, wanted: write(to, wanted))
    write(dist, "old")
    assert bundle.ensure(say=said.append, frontend=frontend, dist=dist).source_hash == bundle.source_hash(
        frontend
    )
    (dist / "main-1.js").unlink()
    assert bundle.read(dist) is None
    bundle.ensure(say=said.append, frontend=frontend, dist=dist)
    assert len(said) == 2


def test_no_node_says_what_to_do(frontend, tmp_path, monkeypatch):
    monkeypatch.setattr(shutil, "which", lambda _name: None)
    monkeypatch.setattr(bundle.importlib.util, "find_spec", lambda _name: None)
    with pytest.raises(StartError) as caught:
        bundle.ensure(frontend=frontend, dist=tmp_path / "dist")
    assert "no Node" in caught.value.detail
    assert "pip install -e ." in caught.value.hint


def test_an_installed_wheel_without_sources_needs_its_bundle(tmp_path):
    with pytest.raises(StartError, match="missing"):
        bundle.ensure(frontend=tmp_path / "none", dist=tmp_path / "dist")
    write(tmp_path / "dist", "of the wheel")
    assert bundle.ensure(frontend=tmp_path / "none", dist=tmp_path / "dist").source_hash == "of the wheel"


def test_a_failed_build_shows_why_and_keeps_the_old_bundle(frontend, tmp_path, monkeypatch):
    node = shutil.which("node")
    if node is None:
        pytest.skip("no Node on this computer")
    from pathlib import Path

    write(tmp_path / "dist", "old")
    (frontend / "build.mjs").write_text("console.error('no such import: fog'); process.exit(3);")
    monkeypatch.setattr(bundle, "find_node", lambda: (Path(node), ["npm"]))
    monkeypatch.setattr(bundle, "_packages_stale", lambda _front: False)
    with pytest.raises(bundle.BundleError, match="no such import: fog"):
        bundle.ensure(frontend=frontend, dist=tmp_path / "dist")
    assert bundle.read(tmp_path / "dist").source_hash == "old"


def test_only_hashed_files_are_kept_for_ever(tmp_path):
    from fastapi import FastAPI
    from fastapi.testclient import TestClient

    for name in ("main-ABCDEFGH.js", "docs.js"):
        (tmp_path / name).write_text("1")
    app = FastAPI()
    app.mount("/static", Files(tmp_path, frozenset({"main-ABCDEFGH.js"})))
    client = TestClient(app)
    assert "immutable" in client.get("/static/main-ABCDEFGH.js").headers["cache-control"]
    assert client.get("/static/docs.js").headers["cache-control"] == "no-cache"
    assert client.get("/static/../conftest.py").status_code == 404


def test_the_lock_file_names_no_host():
    text = (bundle.FRONTEND / "package-lock.json").read_text("utf-8")
    assert '"resolved"' not in text
    assert text.count('"integrity"') > 5
