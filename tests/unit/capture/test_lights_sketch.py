"""The sketch of docs/lights.md, compiled for this computer, keeps the protocol."""

import asyncio
import os
import pty
import re
import shutil
import subprocess
import tty
from pathlib import Path

import pytest

from rcg.capture.lights.serial_line import SerialConfig, SerialDriver

DOCS = Path(__file__).parents[3] / "docs" / "lights.md"
# Pins are written to stderr, so that the test sees what shines.
ARDUINO = r"""
#include <cstdio>
#include <cstdlib>
#include <cstring>
#include <poll.h>
#include <unistd.h>
#define HIGH 1
#define LOW 0
#define OUTPUT 1
static int pins[32];
void pinMode(int, int) {}
void digitalWrite(int pin, int value) { pins[pin] = value; }
void tell() {
  for (int i = 2; i < 10; i++) fputc('0' + pins[i], stderr);
  fputc('\n', stderr);
}
struct {
  void begin(long) {}
  int available() { pollfd p{0, POLLIN, 0}; return poll(&p, 1, 20) > 0; }
  char read() { char c; if (::read(0, &c, 1) != 1) exit(0); return c; }
  void print(const char* s) { tell(); write(1, s, strlen(s)); }
  void println(const char* s) { print(s); write(1, "\r\n", 2); }
  void println(int n) { char b[16]; snprintf(b, 16, "%d", n); println(b); }
} Serial;
"""


@pytest.fixture
def board(tmp_path):
    pytest.importorskip("serial", reason="pyserial is not installed")
    compiler = shutil.which("c++") or shutil.which("g++")
    if compiler is None:
        pytest.skip("no C++ compiler")
    sketch = re.search(r"```cpp\n(.*?)```", DOCS.read_text("utf-8"), re.DOTALL)[1]
    source = tmp_path / "sketch.cpp"
    source.write_text(ARDUINO + sketch + "int main() { setup(); for (;;) loop(); }\n")
    subprocess.run([compiler, "-w", "-o", tmp_path / "sketch", source], check=True)
    end, port = pty.openpty()
    tty.setraw(port)
    shown = (tmp_path / "pins").open("w")
    process = subprocess.Popen([tmp_path / "sketch"], stdin=end, stdout=end, stderr=shown)
    yield os.ttyname(port), lambda: (tmp_path / "pins").read_text().split()[-1]
    process.kill()
    process.wait()
    shown.close()
    os.close(end)
    os.close(port)


def test_the_sketch_of_the_docs_speaks_the_protocol(board):
    port, pins = board

    async def go():
        driver = SerialDriver(SerialConfig(port=port), 8)
        info = await driver.open()
        assert info.answered.startswith("RCG-LIGHT 1 8")
        for light, expected in [("1", "10000000"), ("8", "00000001"), ("3", "00100000"),
                                ("all", "11111111"), (None, "00000000")]:  # fmt: skip
            await driver.show(light)
            assert pins() == expected
        assert await asyncio.to_thread(driver._exchange, "L9", 1) == "ERR unknown"
        await driver.close()

    asyncio.run(go())
