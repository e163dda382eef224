"""Official weights from a server of our own on this computer: taken whole, or not at all."""

import hashlib
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from types import SimpleNamespace

import pytest
import torch

from rcg.errors import CancelledError, ConflictError, InputError, TooLargeError, UnavailableError
from rcg.jobs import official_weights
from rcg.jobs.handler import HANDLERS
from rcg.store.db import Database
from rcg.store.migrate import migrate
from rcg.store.models import Job
from rcg.store.repositories import weights
from rcg.training import official
from rcg.training.official import Source


class Context:
    """What the job sees of the world; it can be told to cancel at a fraction."""

    def __init__(self, folder, cancel_at=2.0):
        self.data_dir = folder
        self.scratch = folder / "jobs" / "a" / "attempt-1"
        self.scratch.mkdir(parents=True)
        self.said, self.lines, self.cancel_at = [], [], cancel_at

    def progress(self, fraction, message=""):
        self.said.append((fraction, message))
        if fraction >= self.cancel_at:
            raise CancelledError("The job was stopped.")

    def log(self, text, level="info"):
        self.lines.append(text)


class Host:
    """A web server on the loopback; ``files`` by path, ``cut`` bytes of an answer are left out."""

    def __init__(self):
        self.files, self.cut, self.chunked, self.asked = {}, 0, False, []
        host = self

        class Answer(BaseHTTPRequestHandler):
            protocol_version = "HTTP/1.1"

            def do_GET(self):
                host.asked.append(self.path)
                data = host.files.get(self.path)
                self.send_response(404 if data is None else 200)
                data = data or b""
                if host.chunked:
                    self.send_header("transfer-encoding", "chunked")
                    self.end_headers()
                    self.wfile.write(f"{len(data):x}\r\n".encode() + data + b"\r\n0\r\n\r\n")
                    return
                self.send_header("content-length", str(len(data)))
                self.end_headers()
                self.wfile.write(data[: len(data) - host.cut])
                self.close_connection = True

            def log_message(self, *_):
                return

        self.server = ThreadingHTTPServer(("127.0.0.1", 0), Answer)
        self.address = f"127.0.0.1:{self.server.server_port}"
        threading.Thread(target=self.server.serve_forever, daemon=True).start()


@pytest.fixture
def host(monkeypatch):
    host = Host()
    yield host
    host.server.shutdown()
    host.server.server_close()


@pytest.fixture
def file(tmp_path):
    path = tmp_path / "made.pth"
    torch.save({"conv.weight": torch.randn(64, 64, 3, 3), "conv.bias": torch.zeros(64)}, path)
    return path.read_bytes()


def serve(host, monkeypatch, data, name=None, about=None):
    """Put a file there under the name that its hash gives it, and have torchvision say so."""
    name = name or f"network-{hashlib.sha256(data).hexdigest()[:8]}.pth"
    host.files[f"/models/{name}"] = data
    said = Source(f"http://{host.address}/models/{name}", about)
    monkeypatch.setattr(official, "source", lambda backbone: said)
    return said


def fetch(context, max_mb=10):
    return official_weights.compute(context, {"backbone": "mobilenet_v3", "max_mb": max_mb})


def left(context):
    """Files in the data folder but for the attempt's scratch, which its slot removes."""
    return [
        path for path in context.data_dir.rglob("*") if path.is_file() and context.scratch not in path.parents
    ]


@pytest.mark.parametrize("chunked", [False, True])
def test_the_file_becomes_a_blob(tmp_path, host, monkeypatch, file, chunked):
    host.chunked = chunked
    said = serve(host, monkeypatch, file, about=len(file))
    context = Context(tmp_path / "data")
    result = fetch(context)
    sha256 = hashlib.sha256(file).hexdigest()
    assert (result["sha256"], result["bytes"], result["tensors"]) == (sha256, len(file), 2)
    assert (result["name"], result["backbone"], result["norm"]) == (said.file_name, "mobilenet_v3", "batch")
    (blob,) = left(context)
    assert blob.read_bytes() == file
    assert list(context.scratch.iterdir()) == []
    fractions = [fraction for fraction, _ in context.said]
    assert fractions == sorted(fractions)
    assert any(host.address in message and "MB" in message for _, message in context.said)
    assert any(("about" in message) == chunked for _, message in context.said if "MB" in message)
    assert "2 tensors" in context.lines[0]


def test_accepting_it_notes_it_as_official(tmp_path, host, monkeypatch, file):
    serve(host, monkeypatch, file)
    result = fetch(Context(tmp_path / "data"))
    db = Database.in_folder(tmp_path)
    migrate(db)
    with db.write() as session:
        answer = official_weights.accept(session, Job(), dict(result))
        row = weights.official_of(session, "mobilenet_v3")
        assert (row.id, row.name, row.tensors, row.norm) == (answer["weights_id"], result["name"], 2, "batch")
        assert "blob" not in answer
    with db.write() as session, pytest.raises(ConflictError, match="deleted while it came"):
        official_weights.accept(session, Job(), result | {"blob": str(tmp_path / "gone")})
    db.close()


def test_a_damaged_file_is_refused_and_leaves_nothing(tmp_path, host, monkeypatch, file):
    said = serve(host, monkeypatch, file)
    damaged = bytearray(file)
    damaged[len(file) // 2] ^= 1
    host.files[f"/models/{said.file_name}"] = bytes(damaged)
    context = Context(tmp_path / "data")
    with pytest.raises(InputError, match="came damaged") as caught:
        fetch(context)
    assert said.sha256_prefix in caught.value.detail
    assert left(context) == []


def test_a_file_that_ends_too_early_is_refused_and_leaves_nothing(tmp_path, host, monkeypatch, file):
    serve(host, monkeypatch, file)
    host.cut = 1000
    context = Context(tmp_path / "data")
    with pytest.raises(UnavailableError, match=host.address):
        fetch(context)
    assert left(context) == []


def test_a_file_that_torch_cannot_read_is_refused(tmp_path, host, monkeypatch):
    serve(host, monkeypatch, b"no weights at all, but with the right hash")
    context = Context(tmp_path / "data")
    with pytest.raises(InputError, match="no file of weights that RCG reads"):
        fetch(context)
    assert left(context) == []


def test_a_cancel_stops_the_download(tmp_path, host, monkeypatch, file):
    serve(host, monkeypatch, file * 20, "network.pth")
    context = Context(tmp_path / "data", cancel_at=0.2)
    with pytest.raises(CancelledError):
        fetch(context)
    assert left(context) == []
    assert (context.scratch / "weights").stat().st_size < len(file) * 20


def test_a_host_that_is_not_there_is_named_with_the_way_by_hand(tmp_path, host, monkeypatch, file):
    said = serve(host, monkeypatch, file)
    host.files.clear()
    with pytest.raises(UnavailableError, match=f"{host.address} answered 404"):
        fetch(Context(tmp_path / "a"))
    host.server.shutdown()
    host.server.server_close()
    with pytest.raises(UnavailableError, match=host.address) as caught:
        fetch(Context(tmp_path / "b"))
    assert said.url in caught.value.hint
    assert "rcg weights add FILE" in caught.value.hint


def test_an_endless_file_ends_at_the_limit(tmp_path, host, monkeypatch):
    serve(host, monkeypatch, bytes(1_100_000), "network.pth")
    context = Context(tmp_path / "data")
    with pytest.raises(TooLargeError) as caught:
        fetch(context, max_mb=1)
    assert "limits.weights_mb" in caught.value.hint
    assert left(context) == []


def test_a_full_disk_is_said_before_anything_comes(tmp_path, host, monkeypatch, file):
    serve(host, monkeypatch, file)
    monkeypatch.setattr("rcg.store.blobs.shutil.disk_usage", lambda _: SimpleNamespace(free=1000))
    with pytest.raises(UnavailableError, match="disk is full"):
        fetch(Context(tmp_path / "data"))


def test_downloads_have_a_slot_of_their_own():
    handler = HANDLERS["official_weights"]
    assert (handler.resource, handler.isolated) == ("net", True)
