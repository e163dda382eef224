import hashlib
import io
import json
import socket
import threading
import time

import httpx
import pytest
from PIL import Image

ENDED = {"done", "failed", "cancelled", "dead"}


def photo(shade=0):
    """A photograph with no card on it: its grading fails soon, and says why."""
    file = io.BytesIO()
    Image.new("RGB", (64, 64), (shade, 90, 90)).save(file, "JPEG")
    return file.getvalue()


def begin_job(client, shade=0):
    response = client.post(
        "/api/grade", files=[("files", ("photo.jpg", photo(shade)))], data={"name": "nothing"}
    )
    assert response.status_code == 202, response.text
    return response.json()["job"]["id"]


def until_ended(client, job_id):
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        job = client.get(f"/api/jobs/{job_id}").json()
        if job["state"] in ENDED:
            return job
        time.sleep(0.05)
    raise AssertionError(f"the job does not end: {job}")


def events(client, enough, **headers):
    """Read the stream until ``enough(event)``; comments are left out."""
    found = []
    with client.stream("GET", "/api/events", headers=headers, timeout=30) as response:
        assert response.status_code == 200
        assert response.headers["content-type"].startswith("text/event-stream")
        event = {}
        for line in response.iter_lines():
            if line:
                name, _, value = line.partition(": ")
                event[name] = value
            elif event.get("event"):
                event["data"] = json.loads(event["data"])
                found.append(event)
                if enough(event):
                    return found
                event = {}
    return found


def ends(job_id):
    return lambda event: event["data"].get("job_id") == job_id and event["data"].get("state") in ENDED


def test_a_job_runs_and_what_went_wrong_is_told(client):
    job = until_ended(client, begin_job(client))
    assert job["state"] == "failed"
    assert job["error"]["detail"]
    assert set(job["error"]) >= {"error", "detail", "hint"}
    again = client.post(f"/api/jobs/{job['id']}/retry")
    assert again.status_code == 200
    assert until_ended(client, job["id"])["attempt"] == 2
    assert client.post(f"/api/jobs/{job['id']}/retry").status_code == 200
    assert client.post("/api/jobs/" + "0" * 32 + "/retry").status_code == 404


def test_an_ended_job_is_not_cancelled(client):
    job = until_ended(client, begin_job(client))
    response = client.post(f"/api/jobs/{job['id']}/cancel")
    assert response.status_code == 409
    assert response.json()["error"] == "conflict"


def test_events_go_on_where_they_broke_off(client):
    heard = []
    ready = threading.Event()

    def listen(done):
        def enough(event):
            ready.set()
            return done(event)

        heard.append(events(client, enough))

    first = []
    listener = threading.Thread(target=listen, args=(lambda event: bool(first) and ends(first[0])(event),))
    listener.start()
    assert ready.wait(10)
    first.append(begin_job(client, 1))
    listener.join(30)
    (seen,) = heard
    assert (seen[0]["event"], bool(seen[0]["id"])) == ("hello", True)
    told = [event for event in seen if event["data"].get("job_id") == first[0]]
    assert told[-1]["data"]["state"] == "failed"

    second = begin_job(client, 2)
    resumed = events(client, ends(second), **{"last-event-id": told[0]["id"]})
    assert resumed[0]["event"] == "hello"
    assert "id" not in resumed[0]
    ids = [event["id"] for event in resumed[1:]]
    assert ids[: len(told) - 1] == [event["id"] for event in told[1:]]
    assert len(set(ids)) == len(ids)
    from_start = events(client, ends(second), **{"last-event-id": seen[0]["id"]})
    assert [event["id"] for event in from_start[1:]][: len(told)] == [event["id"] for event in told]


def test_who_was_away_too_long_is_told_to_load_anew(client):
    found = events(client, lambda event: event["event"] == "reset", **{"last-event-id": "00000000.1-1"})
    assert [event["event"] for event in found] == ["hello", "reset"]


def test_a_stream_ends_when_the_server_stops(server, client):
    with client.stream("GET", "/api/events") as response:
        lines = response.iter_lines()
        assert next(lines).startswith("retry")
        server.jobs.events.close()
        rest = list(lines)
    assert any(line == "event: hello" for line in rest)


@pytest.mark.parametrize("cut", ["in the head", "in the body", "before the end"])
def test_a_line_that_is_cut_leaves_nothing(server, token, client, cut):
    data = photo() + bytes(2_000_000)
    sha = hashlib.sha256(data).hexdigest()
    head = (
        f"PUT /api/blobs/{sha} HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\nauthorization: Bearer {token}\r\n"
        f"content-length: {len(data)}\r\n\r\n"
    ).encode()
    message = head + data
    part = {"in the head": 40, "in the body": len(head) + 1_000_000, "before the end": len(message) - 1}[cut]
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(message[:part])
    assert client.get("/api/me").status_code == 200
    deadline = time.monotonic() + 10
    while left(server) and time.monotonic() < deadline:
        time.sleep(0.02)
    assert left(server) == []
    assert client.head(f"/api/blobs/{sha}").status_code == 404
    assert client.put(f"/api/blobs/{sha}", content=data).status_code == 201


def left(server):
    return (
        [path for path in server.blobs.folder.rglob("*") if path.is_file()]
        if server.blobs.folder.exists()
        else []
    )


def test_a_body_without_length_is_counted(client):
    def endless():
        for _ in range(400):
            yield bytes(10_000)

    try:
        status = client.post("/api/cards", content=endless()).status_code
    except (httpx.WriteError, httpx.ReadError):
        status = 413  # the server answered and hung up while the body was still being sent
    assert status == 413
    assert client.get("/api/cards").json()["total"] == 0


def test_many_send_the_same_file_at_once_and_one_is_kept(server, client):
    data = photo(3)
    path = f"/api/blobs/{hashlib.sha256(data).hexdigest()}"
    statuses = []

    def put():
        statuses.append(client.put(path, content=data).status_code)

    threads = [threading.Thread(target=put) for _ in range(8)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert sorted(statuses) == [200] * 7 + [201]
    assert len(left(server)) == 1


@pytest.mark.parametrize(
    "path",
    [
        "/static/../api/cards",
        "/static/%2e%2e/api/cards",
        "/static/..%2f..%2fdata/cli.json",
        "/static/%2e%2e%2f%2e%2e%2fdata/cli.json",
        "/api/health/../cards",
        "/link/..%5capi/cards",
        "//api/cards",
        "/./api/cards",
        "/static/%00",
    ],
)
def test_crooked_paths_over_the_wire(server, path):
    """Sent as they are: a client library would straighten them first."""
    with socket.create_connection(("127.0.0.1", server.port)) as line:
        line.sendall(
            f"GET {path} HTTP/1.1\r\nhost: 127.0.0.1:{server.port}\r\nconnection: close\r\n\r\n".encode()
        )
        answer = b"".join(iter(lambda: line.recv(4096), b""))
    assert answer.split(b" ", 2)[1] in {b"400", b"401", b"404"}
