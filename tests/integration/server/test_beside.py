"""A ready server, used from its command line and beside others."""

import shutil
import subprocess

import pytest

from rcg.server import announce, local_client

from .running import rcg


def test_each_link_signs_one_browser_in(server):
    link = rcg(server.folder, "link").stdout.strip()
    assert link.startswith(server.cli["url"] + "/link#")
    secret = link.split("#")[1]
    with server.client(token=False) as browser:
        first = browser.post("/api/auth/redeem", json={"secret": secret})
        assert first.status_code == 200, first.text
        assert browser.get("/api/cards").status_code == 200
    with server.client(token=False) as other:
        assert other.post("/api/auth/redeem", json={"secret": secret}).status_code == 403
        assert other.get("/api/cards").status_code == 401


def test_a_token_made_by_the_command_line_holds_until_revoked(server):
    before = rcg(server.folder, "token", "create", "--name", "script", "--scope", "read")
    assert before.returncode == 0, before.stderr
    during = rcg(server.folder, "token", "create", "--name", "other", "--scope", "read", "--days", "1")
    for made in (before, during):
        with server.client(token=False) as script:
            answer = script.get("/api/cards", headers={"authorization": f"Bearer {made.stdout.strip()}"})
            assert answer.status_code == 200
    listed = next(
        line for line in rcg(server.folder, "token", "list").stdout.splitlines() if " script " in line
    )
    assert rcg(server.folder, "token", "revoke", listed.split()[0]).returncode == 0
    with server.client(token=False) as script:
        answer = script.get("/api/cards", headers={"authorization": f"Bearer {before.stdout.strip()}"})
        assert answer.status_code == 401


@pytest.mark.parametrize("shell", ["bash", "sh", "zsh", "fish"])
def test_the_printed_curl_line_works_when_pasted(server, shell):
    if shutil.which(shell) is None or shutil.which("curl") is None:
        pytest.skip(f"no {shell} or no curl here")
    header = server.folder / "data" / local_client.HEADER_NAME
    line = announce.curl_line(server.cli["url"], server.folder / "certs/rcg-ca.pem", header)
    done = subprocess.run([shell, "-c", line], capture_output=True, text=True, timeout=60, check=False)
    assert done.returncode == 0, done.stderr
    assert '"token"' in done.stdout


def test_the_port_is_taken_by_another_rcg(server, serve, tmp_path):
    port = server.cli["url"].rsplit(":", 1)[1]
    _, _, said = serve("--port", port, folder=tmp_path / "other").ended()
    assert f"taken by another RCG (process {server.process.pid}" in said
    still_well(server)


def test_a_second_server_on_the_same_folder(server, serve):
    code, _, said = serve(folder=server.folder).ended()
    assert code == 1
    assert "in use by another RCG server" in said
    assert f"process {server.process.pid}" in said
    still_well(server)


def still_well(server) -> None:
    with server.client() as client:
        assert client.get("/health/ready").status_code == 200
