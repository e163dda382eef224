"""Each start that cannot succeed ends with one sentence, the way out, and no traceback."""

import socket
from pathlib import Path

import pytest

from .running import rcg


def fails(server) -> str:
    """The words of a start that failed."""
    code, out, err = server.ended()
    assert code == 1, (out, err)
    assert err.startswith("RCG cannot start: ")
    assert "Traceback" not in out + err
    return err


def test_the_port_is_taken(serve):
    with socket.create_server(("0.0.0.0", 0)) as other:
        taken = other.getsockname()[1]
        said = fails(serve("--port", str(taken)))
    assert f"Port {taken} is taken by" in said
    assert "rcg serve --port" in said


def test_broken_settings(serve, tmp_path):
    home = tmp_path / "home"
    (home / "config").mkdir(parents=True)
    (home / "config/rcg.toml").write_text("[server]\nprot = 1\n")
    said = fails(serve(RCG_HOME=str(home)))
    assert (
        f"{home}/config/rcg.toml, line 2: unknown setting 'server.prot'; did you mean 'server.port'?" in said
    )
    checked = rcg(tmp_path, "config", "check", RCG_HOME=str(home))
    assert checked.returncode == 1
    assert "line 2: unknown setting 'server.prot'" in checked.stderr
    (home / "config/rcg.toml").write_text("[server]\nport = 1\n")
    assert rcg(tmp_path, "config", "check", RCG_HOME=str(home)).returncode == 0
    shown = rcg(tmp_path, "config", "show", RCG_HOME=str(home)).stdout
    assert "environment RCG_SERVER__PORT" in shown


@pytest.mark.parametrize("name", ["data", "logs", "certs"])
def test_a_file_in_place_of_a_folder(serve, tmp_path, name):
    (tmp_path / name).touch()
    said = fails(serve())
    assert str(tmp_path / name) in said
    assert Path(tmp_path / name).read_bytes() == b""


def test_no_valkey_at_the_url(serve):
    with socket.create_server(("127.0.0.1", 0)) as silent:
        port = silent.getsockname()[1]
    said = fails(serve(RCG_VALKEY__URL=f"valkey://127.0.0.1:{port}/0"))
    assert f"No Valkey answers at valkey://127.0.0.1:{port}/0" in said


def test_what_changed_since_the_last_good_start_is_said(serve):
    first = serve()
    first.until_ready()
    first.stop()
    said = fails(serve(RCG_VALKEY__URL="valkey://127.0.0.1:1/0"))
    assert "Changed since the last good start" in said
    assert "valkey.url: - -> valkey://127.0.0.1:1/0" in said


def test_commands_that_need_the_server_say_so_without_it(tmp_path):
    done = rcg(tmp_path, "status")
    assert done.returncode == 1
    assert "rcg serve" in done.stderr
    assert "Traceback" not in done.stderr
