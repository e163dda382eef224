"""``rcg serve`` as a user meets it: the start, what it prints, sign-in, curl, the end."""

import re
import signal
import stat
import time

import psutil
import pytest

from .running import gone, rcg


def test_start_print_use_and_stop(serve, tmp_path, capsys):
    made_before = rcg(tmp_path, "token", "create", "--name", "early", "--scope", "read")
    assert made_before.returncode == 0, made_before.stderr
    server = serve()
    server.until_ready()
    ready_s = float(re.search(r"ready after ([\d.]+)", server.log)[1])
    with capsys.disabled():
        since = time.monotonic() - server.began
        print(f"\n  ready after {ready_s:.2f} s of steps, seen {since:.2f} s after the process began")

    with server.client(token=False) as anonymous:
        live = anonymous.get("/health/live")
        assert live.status_code == 200
        assert live.json()["loop_lag_ms"] >= 0
        ready = anonymous.get("/health/ready")
        assert ready.status_code == 200, ready.text
        assert set(ready.json()["parts"]) >= {"database", "valkey", "workers", "disk", "certificate"}
        assert all(part == {"ok": True} for part in ready.json()["parts"].values())
        assert {"shell", "grade", "api"} <= set(ready.json()["areas"])
        assert anonymous.get("/health").status_code == 200
        assert anonymous.get("/api/health").status_code == 200
        assert anonymous.get("/api/cards").status_code == 401
        early = {"authorization": f"Bearer {made_before.stdout.strip()}"}
        assert anonymous.get("/api/cards", headers=early).status_code == 200
    with server.client() as owner:
        assert owner.get("/api/cards").status_code == 200
        parts = owner.get("/health/ready").json()["parts"]
        assert "days left" in parts["certificate"]["detail"]
        assert "MB free" in parts["disk"]["detail"]
        page = owner.get("/", headers={"accept": "text/html"})
        assert page.status_code == 200
        assert "<html" in page.text

    for name in ("cli.json", "cli.header"):
        assert stat.S_IMODE((tmp_path / "data" / name).stat().st_mode) == 0o600
    status = rcg(tmp_path, "status")
    assert status.returncode == 0, status.stderr
    assert "database" in status.stdout

    family = server.family()
    assert family, "an embedded Valkey is a process below the server"
    code, out, err = server.stop()
    assert code == 0, err
    assert gone(family) == []
    port = server.cli["url"].rsplit(":", 1)[1]
    assert f"https://localhost:{port}/" in out
    assert "rcg certs trust" in out
    assert f"--cacert {tmp_path}/certs/rcg-ca.pem" in out
    assert re.search(rf"https://localhost:{port}/link#\S+", out), (
        "nobody has signed in, so the link is printed"
    )
    assert out.rstrip().endswith("Stopped.")
    assert err == ""
    for step in ("folders", "data lock", "certificate", "port", "loading", "database", "job queue", "pages"):
        assert re.search(rf"step {step}: begins\n(.*\n)*.*step {step}: ended after [\d.]+ s", server.log), (
            step
        )


@pytest.mark.parametrize("how", [signal.SIGINT, signal.SIGTERM])
def test_stop_with_an_open_event_stream_and_a_running_job_leaves_nothing(serve, how):
    server = serve()
    server.until_ready()
    with server.client() as owner, owner.stream("GET", "/api/events") as events:
        assert events.status_code == 200
        job = owner.post("/api/demo", json={"seed": 3}).json()
        server.until(
            "the job to run", lambda: owner.get(f"/api/jobs/{job['id']}").json()["state"] == "running"
        )
        family = server.family()
        code, out, err = server.stop(how)
    assert code == 0, (out, err)
    assert gone(family) == []
    assert not psutil.pid_exists(server.process.pid)


def test_ctrl_c_during_the_start_ends_it(serve):
    server = serve()
    server.until("the first step", lambda: "step data lock: ended" in server.log)
    server.until("listening", lambda: "step port: ended" in server.log)
    family = server.family()
    code, out, err = server.stop()
    assert code == 0, (out, err)
    assert gone(family) == []


def test_a_second_start_finds_everything_and_prints_no_setup_link_once_signed_in(serve, tmp_path):
    server = serve()
    server.until_ready()
    secret = rcg(tmp_path, "link").stdout.strip().split("#")[1]
    with server.client(token=False) as browser:
        assert browser.post("/api/auth/redeem", json={"secret": secret}).status_code == 200
    token = server.cli["token"]
    assert server.stop(signal.SIGHUP)[0] == 0, "closing the terminal is a wanted stop"
    again = serve()
    again.until_ready()
    assert again.cli["token"] == token
    code, out, _ = again.stop()
    assert code == 0
    assert "/link#" not in out
