"""Trusting the authority: which commands run, and what is said when they cannot."""

import shlex

import pytest

from rcg.server.tls import certificates, trust


@pytest.fixture
def ca(tmp_path):
    return certificates.ensure(tmp_path / "certs").authority


@pytest.fixture
def system(tmp_path, monkeypatch):
    """A Linux with one folder of anchors and a command that takes them, run by root; no browser's store."""
    anchors = tmp_path / "anchors"
    anchors.mkdir()
    refresh = tmp_path / "bin/refresh"
    refresh.parent.mkdir()
    refresh.write_text(f"#!/bin/sh\ntouch {shlex.quote(str(tmp_path / 'refreshed'))}\n")
    refresh.chmod(0o755)
    monkeypatch.setattr(trust.sys, "platform", "linux")
    monkeypatch.setattr(trust.os, "geteuid", lambda: 0)
    monkeypatch.setattr(trust, "_LINUX", ((str(anchors), ".crt", (str(refresh),)),))
    monkeypatch.setattr(trust, "_nss", lambda _authority: iter(()))
    return tmp_path


def test_the_system_store_is_filled_and_refreshed(ca, system):
    said = list(trust.install(ca, trust.stores(ca)))
    assert (system / "anchors/rcg-local-ca.crt").read_bytes() == ca.read_bytes()
    assert (system / "refreshed").exists()
    assert "system store: trusts the authority now" in said
    assert any(line.startswith("Firefox: ") for line in said), (
        "its own store was not filled, so the way is said"
    )


def test_a_store_that_refuses_is_said_with_the_commands(ca, system):
    (system / "bin/refresh").write_text("#!/bin/sh\necho read-only >&2\nexit 1\n")
    said = list(trust.install(ca, trust.stores(ca)))
    assert "system store: not done (read-only); by hand:" in said
    assert not any("now" in line for line in said)


def test_by_hand_changes_nothing_and_says_everything(ca, system):
    said = "\n".join(trust.by_hand(ca, trust.stores(ca)))
    assert list((system / "anchors").iterdir()) == []
    assert str(ca) in said
    assert "SHA-256" in said
    assert "refresh" in said


def test_another_user_is_helped_by_sudo(ca, system, monkeypatch):
    monkeypatch.setattr(trust.os, "geteuid", lambda: 1000)
    said = list(trust.by_hand(ca, trust.stores(ca)))
    assert any(line.strip().startswith("sudo install -m 0644 ") for line in said)
