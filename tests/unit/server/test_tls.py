"""The own authority and its certificates, judged by OpenSSL as a browser would judge them."""

import datetime as dt
import errno
import ipaddress
import pathlib
import ssl

import pytest
from cryptography import x509
from cryptography.hazmat.primitives.asymmetric import ec

from rcg.server import address
from rcg.server.address import Names
from rcg.server.tls import authority, certificates, leaf, mkcert, renewal
from rcg.server.tls.files import CertificateError, cert_pem, key_pem


@pytest.fixture(autouse=True)
def computer(monkeypatch):
    """A computer with known names: a private address, a public one, an IPv6 link-local one."""
    ips = ["192.168.7.20", "203.0.113.9", "fd00::7", "fe80::1", "100.100.1.2"]
    monkeypatch.setattr(address, "lan_addresses", lambda: [ipaddress.ip_address(ip) for ip in ips])
    monkeypatch.setattr(address, "host_name", lambda: "bench")
    monkeypatch.setattr(authority, "host_name", lambda: "bench")


def handshake(server: ssl.SSLContext, ca, name: str) -> None:
    """Connect a verifying client to the server context, in memory; raises what the client raises."""
    client = ssl.create_default_context(cafile=str(ca))
    client.verify_flags |= ssl.VERIFY_X509_STRICT  # Python 3.13 and newer ask for this by themselves
    to_server, to_client = ssl.MemoryBIO(), ssl.MemoryBIO()
    one = client.wrap_bio(to_client, to_server, server_hostname=name)
    other = server.wrap_bio(to_server, to_client, server_side=True)
    for _ in range(4):
        for side in (one, other):
            try:
                side.do_handshake()
            except ssl.SSLWantReadError:
                continue
    assert one.getpeercert()


@pytest.mark.parametrize(
    "name",
    ["localhost", "bench", "bench.local", "127.0.0.1", "::1", "192.168.7.20", "fd00::7", "100.100.1.2"],
)
def test_a_client_that_trusts_the_authority_accepts_every_own_name(tmp_path, name):
    found = certificates.ensure(tmp_path)
    handshake(certificates.make_context(found), found.authority, name)


def test_a_client_refuses_a_name_that_is_not_in_the_certificate(tmp_path):
    found = certificates.ensure(tmp_path)
    with pytest.raises(ssl.SSLCertVerificationError, match="Hostname mismatch"):
        handshake(certificates.make_context(found), found.authority, "other.local")


@pytest.mark.parametrize(
    ("dns", "ips"),
    [
        (["bank.example.com"], []),
        (["localhost", "bank.example.com"], []),
        ([], ["8.8.8.8"]),
        ([], ["2001:db8::1"]),
    ],
)
def test_nobody_accepts_what_the_authority_signs_for_the_world(tmp_path, dns, ips):
    """The stolen key's worth: the same key, the same authority, a name outside, also beside a good one."""
    ca = authority.ensure(tmp_path)
    names = Names(tuple(dns), tuple(ipaddress.ip_address(ip) for ip in ips))
    forged = leaf.issue(tmp_path, ca, names)
    context = certificates.make_context(
        certificates.Certificates(forged, authority.cert_path(tmp_path), own=True)
    )
    with pytest.raises(ssl.SSLCertVerificationError, match="permitted subtree violation"):
        handshake(context, authority.cert_path(tmp_path), [*dns, *ips][0])


def test_what_may_not_be_signed_is_left_out_and_listed(tmp_path):
    found = certificates.ensure(tmp_path, ["card.example.com", "box.lan", "no_name", "10.1.2.3"])
    assert {"box.lan", "10.1.2.3"} <= set(found.leaf.names)
    assert [line.split(":")[0] for line in found.skipped if "fe80" not in line] == [
        "card.example.com", "no_name", "203.0.113.9",
    ]  # fmt: skip
    assert any(line.startswith("fe80::1: IPv6 link-local") for line in found.skipped)


def test_form_and_lifetime_are_what_browsers_take(tmp_path):
    found = certificates.ensure(tmp_path)
    certificate = found.leaf.certificate
    assert certificate.not_valid_after_utc - certificate.not_valid_before_utc <= dt.timedelta(days=397)
    ca = authority.load(tmp_path).certificate
    assert ca.subject.rfc4514_string() == "CN=RCG local CA (bench)"
    assert ca.extensions.get_extension_for_class(x509.BasicConstraints).value.path_length == 0
    constraints = ca.extensions.get_extension_for_class(x509.NameConstraints)
    assert constraints.critical
    assert x509.DNSName("home.arpa") in constraints.value.permitted_subtrees
    assert x509.IPAddress(ipaddress.ip_network("100.64.0.0/10")) in constraints.value.permitted_subtrees


def test_keys_are_for_their_owner_only(tmp_path):
    certificates.ensure(tmp_path)
    authority.key_path(tmp_path).chmod(0o644)
    certificates.ensure(tmp_path)
    for name in ("rcg-ca.key", "rcg.key"):
        assert (tmp_path / name).stat().st_mode & 0o777 == 0o600


def test_a_second_look_changes_nothing(tmp_path):
    before = certificates.ensure(tmp_path)
    content = {path.name: path.read_bytes() for path in tmp_path.iterdir()}
    assert certificates.ensure(tmp_path) == before
    assert {path.name: path.read_bytes() for path in tmp_path.iterdir()} == content


def test_a_new_address_renews_and_one_that_went_away_does_not(tmp_path, monkeypatch):
    before = certificates.ensure(tmp_path)
    monkeypatch.setattr(address, "lan_addresses", lambda: [ipaddress.ip_address("192.168.7.20")])
    assert certificates.ensure(tmp_path).leaf.certificate == before.leaf.certificate
    monkeypatch.setattr(address, "lan_addresses", lambda: [ipaddress.ip_address("192.168.7.21")])
    after = certificates.ensure(tmp_path)
    assert "192.168.7.21" in after.leaf.names
    handshake(
        certificates.make_context(after), before.authority, "192.168.7.21"
    )  # the trusted authority is the same


@pytest.mark.parametrize(("days", "renewed"), [(29, True), (31, False)])
def test_thirty_days_before_its_end_it_is_renewed(tmp_path, monkeypatch, days, renewed):
    monkeypatch.setattr(leaf, "LIFETIME", dt.timedelta(days=days))
    before = certificates.ensure(tmp_path)
    monkeypatch.undo()
    monkeypatch.setattr(address, "lan_addresses", list)
    monkeypatch.setattr(address, "host_name", lambda: "bench")
    assert (certificates.ensure(tmp_path).leaf.certificate != before.leaf.certificate) is renewed


@pytest.mark.parametrize("content", [b"", b"-----BEGIN CERTIFICATE-----\nMIIB", b"\xff\x00 no text"])
@pytest.mark.parametrize("name", ["rcg.pem", "rcg.key"])
def test_a_broken_server_certificate_is_made_anew(tmp_path, name, content):
    before = certificates.ensure(tmp_path)
    (tmp_path / name).write_bytes(content)
    after = certificates.ensure(tmp_path)
    assert after.notices == ()
    handshake(certificates.make_context(after), before.authority, "localhost")


@pytest.mark.parametrize("name", ["rcg-ca.pem", "rcg-ca.key"])
def test_a_broken_authority_is_kept_aside_and_the_user_is_told(tmp_path, name):
    certificates.ensure(tmp_path)
    (tmp_path / name).write_bytes(b"half")
    after = certificates.ensure(tmp_path)
    assert "rcg certs trust" in after.notices[0]
    assert [path.read_bytes() for path in tmp_path.glob(f"{name}.unusable-*")] == [b"half"]
    handshake(certificates.make_context(after), after.authority, "localhost")


def test_the_key_of_another_authority_does_not_count(tmp_path):
    certificates.ensure(tmp_path)
    (tmp_path / "rcg-ca.key").write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1())))
    assert authority.load(tmp_path) is None


def test_a_folder_that_is_a_file_is_said_in_words(tmp_path):
    file = tmp_path / "certs"
    file.touch()
    with pytest.raises(CertificateError, match="certificate folder") as caught:
        certificates.ensure(file)
    assert "certs_dir" in caught.value.hint


@pytest.mark.parametrize("number", [errno.EROFS, errno.ENOENT, errno.ENAMETOOLONG])
def test_a_certificate_folder_that_cannot_be_made(tmp_path, monkeypatch, number):
    def mkdir(self, *_, **__):
        raise OSError(number, "cannot be made")

    monkeypatch.setattr(pathlib.Path, "mkdir", mkdir)
    with pytest.raises(CertificateError, match="certificate folder"):
        certificates.ensure(tmp_path / "certs")


def test_a_full_disk_keeps_its_own_words(tmp_path, monkeypatch):
    def mkdir(self, *_, **__):
        raise OSError(errno.ENOSPC, "No space left on device")

    monkeypatch.setattr(pathlib.Path, "mkdir", mkdir)
    with pytest.raises(OSError, match="No space left"):
        certificates.ensure(tmp_path / "certs")


def make_pair(folder, name: str, days: int) -> None:
    """What mkcert would leave: NAME.pem and NAME-key.pem."""
    ca = authority.make("bench")
    key = ec.generate_private_key(ec.SECP256R1())
    lifetime, leaf.LIFETIME = leaf.LIFETIME, dt.timedelta(days=days)
    try:
        certificate = leaf.sign(ca, key.public_key(), Names(("localhost",), ()))
    finally:
        leaf.LIFETIME = lifetime
    (folder / f"{name}-key.pem").write_bytes(key_pem(key))
    (folder / f"{name}.pem").write_bytes(cert_pem(certificate))
    (folder / "rootCA.pem").write_bytes(cert_pem(ca.certificate))


def test_files_of_mkcert_are_used_when_they_are_there(tmp_path):
    make_pair(tmp_path, "localhost+2", 300)
    found = certificates.ensure(tmp_path)
    assert not found.own
    assert found.leaf.cert.name == "localhost+2.pem"
    assert not authority.cert_path(tmp_path).exists()
    handshake(certificates.make_context(found), found.authority, "localhost")


def test_unusable_files_of_mkcert_are_passed_over_with_the_reason(tmp_path):
    make_pair(tmp_path, "old", 0)
    make_pair(tmp_path, "mixed", 300)
    (tmp_path / "mixed-key.pem").write_bytes(key_pem(ec.generate_private_key(ec.SECP256R1())))
    (tmp_path / "alone-key.pem").write_bytes(b"")
    assert certificates.ensure(tmp_path).own
    assert [reason.split(":")[0] for reason in mkcert.find(tmp_path).skipped] == [
        "alone-key.pem",
        "mixed.pem",
        "old.pem",
    ]


def test_renewal_reaches_new_connections_of_a_running_server(tmp_path, monkeypatch):
    from rcg.server.startup import Startup
    from rcg.settings import Settings

    startup = Startup(Settings(certs_dir=tmp_path))
    startup.certificates = certificates.ensure(tmp_path)
    context = certificates.make_context(startup.certificates)
    assert renewal.renew(startup, context) is False
    monkeypatch.setattr(address, "lan_addresses", lambda: [ipaddress.ip_address("10.9.8.7")])
    with pytest.raises(ssl.SSLCertVerificationError):
        handshake(context, startup.certificates.authority, "10.9.8.7")
    assert renewal.renew(startup, context) is True
    handshake(context, startup.certificates.authority, "10.9.8.7")
    assert "10.9.8.7" in startup.hosts()
