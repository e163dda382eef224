"""The plain page hands out one public file, and nothing else."""

import asyncio
import contextlib
import ssl
import urllib.error
import urllib.request

import pytest

from rcg.server import onboarding, port
from rcg.server.tls import authority


@pytest.fixture
def ca(tmp_path):
    authority.ensure(tmp_path)
    return authority.cert_path(tmp_path)


def ask(ca, *requests):
    """The answers: (status, content type, body) of each request."""

    def fetch(address, method, path):
        request = urllib.request.Request(f"{address}{path}", method=method)
        try:
            with urllib.request.urlopen(request, timeout=5) as answer:
                return answer.status, answer.headers["content-type"], answer.read()
        except urllib.error.HTTPError as error:
            return error.code, error.headers["content-type"], error.read()

    async def run():
        taken = port.take("127.0.0.1", 0)
        serving = asyncio.create_task(onboarding.serve(taken.sockets, ca, "https://192.168.1.5:8443"))
        try:
            address = f"http://127.0.0.1:{taken.port}"
            return [await asyncio.to_thread(fetch, address, *each) for each in requests]
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    return asyncio.run(run())


def test_the_certificate_and_the_way_on_are_all_there_is(ca):
    page, file, key, climb, post = ask(
        ca, ("GET", "/"), ("GET", "/rcg-ca.crt"), ("GET", "/rcg-ca.key"), ("GET", "/../certs/rcg-ca.key"),
        ("POST", "/"),
    )  # fmt: skip
    assert page[0] == 200
    assert b"https://192.168.1.5:8443/certificate" in page[2]
    assert file[1:] == ("application/x-x509-ca-cert", ssl.PEM_cert_to_DER_cert(ca.read_text()))
    assert [answer[0] for answer in (key, climb, post)] == [404, 404, 405]
    assert b"PRIVATE" not in b"".join(answer[2] for answer in (page, file, key, climb, post))


def test_a_caller_that_says_nonsense_does_not_stop_it(ca):
    async def run():
        taken = port.take("127.0.0.1", 0)
        serving = asyncio.create_task(onboarding.serve(taken.sockets, ca, "https://x"))
        try:
            for nonsense in (b"\x16\x03\x01\x02\x00", b"GET\r\n\r\n", b"A" * 20_000 + b"\r\n\r\n"):
                reader, writer = await asyncio.open_connection("127.0.0.1", taken.port)
                writer.write(nonsense)
                writer.write_eof()
                await reader.read()
                writer.close()
            reader, writer = await asyncio.open_connection("127.0.0.1", taken.port)
            writer.write(b"GET / HTTP/1.1\r\nhost: x\r\n\r\n")
            return await reader.read()
        finally:
            serving.cancel()
            with contextlib.suppress(asyncio.CancelledError):
                await serving

    assert asyncio.run(run()).startswith(b"HTTP/1.1 200 OK")
