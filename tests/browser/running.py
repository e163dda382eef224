"""A server that runs by itself, with its own folders, and its owner's way in."""

import json
import os
import signal
import ssl
import subprocess
import sys
import time
import urllib.error
import urllib.request
from dataclasses import dataclass
from pathlib import Path

# What a first start may take on a computer that is busy with other tests.
START_S = 90
GRADING_S = 240
RING = {"kind": "ring", "radius_mm": 150, "height_mm": 90}


@dataclass
class Server:
    """The running server and its owner's way in."""

    url: str
    token: str
    home: Path
    process: subprocess.Popen
    signed_in: dict | None = None

    def call(self, method, path, body=None):
        data = None if body is None else json.dumps(body).encode()
        headers = {"authorization": f"Bearer {self.token}", "content-type": "application/json"}
        request = urllib.request.Request(self.url + path, data, headers, method=method)
        with urllib.request.urlopen(request, context=ssl._create_unverified_context(), timeout=30) as answer:
            return json.load(answer)

    def link(self):
        """A fresh sign-in link, whole."""
        return self.url + self.call("POST", "/api/links", {})["path"]

    def stop(self):
        self.process.send_signal(signal.SIGINT)
        try:
            self.process.wait(20)
        except subprocess.TimeoutExpired:
            self.process.kill()
            self.process.wait()


def start_server(home, port=0):
    """A server with its folders in ``home``; waits until it is ready."""
    log = home / "output.txt"
    environment = os.environ | {
        "RCG_HOME": str(home),
        "RCG_SERVER__HOST": "127.0.0.1",
        "PYTHONUNBUFFERED": "1",
    }
    (home / "data" / "cli.json").unlink(missing_ok=True)
    with log.open("w") as output:
        command = [sys.executable, "-m", "rcg", "serve", "--port", str(port)]
        process = subprocess.Popen(
            command, env=environment, stdout=output, stderr=subprocess.STDOUT, cwd=home
        )
    return _until_ready(process, home, log)


def _until_ready(process, home, log):
    data = home / "data"
    end = time.monotonic() + START_S
    while time.monotonic() < end:
        if process.poll() is not None:
            break
        if (data / "cli.json").is_file():
            local = json.loads((data / "cli.json").read_text())
            server = Server(local["url"].rstrip("/"), local["token"], home, process)
            try:
                if server.call("GET", "/health/ready")["status"] == "ready":
                    return server
            except (urllib.error.URLError, ConnectionError, KeyError):
                pass
        time.sleep(0.1)
    raise AssertionError(f"the server did not become ready:\n{log.read_text()}")
