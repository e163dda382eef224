import asyncio
import json
import re
from types import SimpleNamespace

import pytest

from rcg.api.services import events


def test_the_computer_is_measured(client, parts, photo):
    parts.blobs.add(photo())
    client.post("/api/cards", json={"name": "x"})
    client.post("/api/demo", json={"seed": 3})
    now = client.get("/api/system").json()
    assert now["cards"] == 1
    assert now["jobs"] == {"queued": 1}
    assert 0 < now["memory"]["available_bytes"] < now["memory"]["total_bytes"]
    assert 0 < now["disk"]["free_bytes"] <= now["disk"]["total_bytes"]
    assert now["disk"]["folder"] == str(parts.settings.data_dir)
    assert len(now["cpu"]["load_average"]) == 3
    assert now["gpus"] or now["gpu_note"]


def test_settings_say_where_they_were_set(client, monkeypatch):
    monkeypatch.setenv("RCG_SERVER__PORT", "9443")
    found = {item["name"]: item for item in client.get("/api/settings").json()}
    assert found["server.port"]["source"] == "environment RCG_SERVER__PORT"
    assert found["limits.image_mb"]["value"] == "1"


def test_a_password_is_never_shown(client, parts):
    from pydantic import SecretStr

    valkey = parts.settings.valkey.model_copy(update={"password": SecretStr("hunter2")})
    parts.settings = parts.settings.model_copy(update={"valkey": valkey})
    assert "hunter2" not in client.get("/api/settings").text


def test_the_end_of_the_log(client, parts):
    parts.settings.log_dir.mkdir()
    (parts.settings.log_dir / "rcg.log").write_text("".join(f"line {n}\n" for n in range(500)))
    assert client.get("/api/logs", params={"lines": 2}).json()["lines"] == ["line 498", "line 499"]
    assert client.get("/api/logs", params={"lines": 0}).status_code == 422


def test_standards_come_with_their_provenance(client):
    found = {item["id"]: item for item in client.get("/api/standards").json()}
    assert {"psa", "bgs", "cgc", "sgc"} <= set(found)
    for standard in found.values():
        assert standard["provenance"]
        assert standard["checked"]
        assert standard["rows"]


def test_the_schema_of_a_report_is_one(client):
    response = client.get("/api/schema/grade")
    schema = response.json()
    assert set(schema["properties"]) == {"card", "sides", "grades", "versions"}
    assert "schema" in schema["$defs"]["Versions"]["properties"]
    named = set(re.findall(r'"#/\$defs/(\w+)"', response.text))
    assert named == set(schema["$defs"])


def test_health_gives_details_to_the_signed_in_only(client, stranger):
    assert client.get("/api/health").json()["details"] is True
    assert stranger.get("/api/health").json()["details"] is False


def test_one_document_describes_every_route(client, root):
    document = client.get("/api/openapi.json").json()
    assert document["servers"] == [{"url": "/api"}]
    assert document["components"]["securitySchemes"]["token"]["scheme"] == "bearer"
    described = {(method.upper(), path) for path, methods in document["paths"].items() for method in methods}
    for route in [
        ("PUT", "/blobs/{sha256}"),
        ("POST", "/grade"),
        ("POST", "/captures/{capture_id}/files"),
        ("GET", "/events"),
        ("POST", "/cards/{card_id}/grade"),
        ("GET", "/grades/{grade_id}/layers/{side}/{name}"),
        ("POST", "/auth/redeem"),
    ]:
        assert route in described
    for path, methods in document["paths"].items():
        for method, operation in methods.items():
            assert operation.get("description"), (method, path)
            assert "4XX" in operation["responses"], (method, path)


class OneEvent:
    last_id = "e.0-0"

    def __init__(self):
        self.asked = []
        self.closed = False

    async def subscribe(self, after_id):
        self.asked.append(after_id)
        try:
            yield SimpleNamespace(id="e.1-0", kind="progress", as_json=lambda: {"text": "a\nb: c", "n": "é"})
            await asyncio.Event().wait()
        finally:
            self.closed = True


@pytest.mark.parametrize("after", [None, "e.0-5"])
def test_the_stream_says_hello_tells_beats_and_ends(monkeypatch, after):
    monkeypatch.setattr(events, "HEARTBEAT_S", 0.01)
    hub = OneEvent()

    async def listen():
        container = SimpleNamespace(jobs=SimpleNamespace(events=hub), stopping=asyncio.Event())
        found = []
        async for piece in events.stream(container, after):
            found.append(piece.decode())
            if len(found) == 4:
                container.stopping.set()
        return found

    hello, event, *beats = asyncio.run(listen())
    assert ("id: e.0-0\n" in hello) == (after is None)
    assert "event: hello\n" in hello
    assert hub.asked == [after or "e.0-0"]
    head, _, data = event.partition("data: ")
    assert head == "id: e.1-0\nevent: progress\n"
    assert data.endswith("\n\n")
    assert data.count("\n") == 2
    assert json.loads(data) == {"text": "a\nb: c", "n": "é"}
    assert beats[0].startswith(":")
    assert hub.closed


def test_a_reader_that_goes_away_ends_the_subscription():
    hub = OneEvent()

    async def listen():
        container = SimpleNamespace(jobs=SimpleNamespace(events=hub), stopping=asyncio.Event())
        stream = events.stream(container, None)
        await anext(stream)
        await anext(stream)
        waiting = asyncio.ensure_future(anext(stream))
        await asyncio.sleep(0.01)
        waiting.cancel()
        await asyncio.gather(waiting, return_exceptions=True)

    asyncio.run(listen())
    assert hub.closed
