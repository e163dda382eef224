"""Rigs in real Chromium: made on their page, lit on a screen that acknowledges, drawn where they are."""

import contextlib
import io
import math
import re
import shutil
import time

import numpy as np
import pytest
from PIL import Image
from running import RING

from rcg.capture.lights import y4m

pytestmark = pytest.mark.browser


def bright_centre(page):
    """Centre of what is white on the page, as shares of its size, and the share of the page that it is."""
    grey = np.asarray(Image.open(io.BytesIO(page.screenshot())).convert("L"))
    white = grey > 200
    assert (grey[~white] < 60).mean() > 0.99, "nothing but white and black"
    if not white.any():
        return None, 0.0
    y, x = np.nonzero(white)
    return (x.mean() / grey.shape[1], y.mean() / grey.shape[0]), float(white.mean())


def started(open_page, rig, **options):
    page = open_page(**options)
    page.goto(f"/capture/light/{rig['id']}")
    page.get_by_role("button", name="Start").click()
    page.wait_for_selector("main.running")
    return page


def test_a_screen_shows_each_light_where_it_is_and_acknowledges_it(open_page, server, rig):
    made = rig("screen")
    screen = started(open_page, made, width=1000, height=800)
    for number in range(1, 9):
        ack = server.call("POST", f"/api/rigs/{made['id']}/light", {"light": str(number)})
        assert ack["light"] == str(number)
        centre, share = bright_centre(screen)
        angle = math.radians(45 * (number - 1))
        right, up = math.sin(angle), math.cos(angle)
        assert np.sign(np.round(centre[0] - 0.5, 2)) == np.sign(round(right, 6)), number
        assert np.sign(np.round(0.5 - centre[1], 2)) == np.sign(round(up, 6)), number
        assert share == pytest.approx(math.pi * 120**2 / 800_000, rel=0.03), "one patch and no more"
    server.call("POST", f"/api/rigs/{made['id']}/light", {"light": "all"})
    assert bright_centre(screen)[1] == pytest.approx(8 * math.pi * 120**2 / 800_000, rel=0.05)
    server.call("POST", f"/api/rigs/{made['id']}/light", {"light": None})
    assert bright_centre(screen) == (None, 0.0)


def test_the_screen_changes_at_most_three_times_a_second(open_page, server, rig):
    made = rig("screen")
    page = started(open_page, made)
    page.evaluate("""() => {
      window.changes = [];
      new MutationObserver(() => window.changes.push(performance.now())).observe(
        document.querySelector('[data-field]'),
        {subtree: true, attributes: true, attributeFilter: ['hidden']});
    }""")
    began = time.monotonic()
    for light in ["1", None] * 4:
        server.call("POST", f"/api/rigs/{made['id']}/light", {"light": light})
    assert time.monotonic() - began > 2
    changes = page.evaluate("window.changes")
    assert len(changes) == 8
    assert min(np.diff(changes)) > 320


def test_a_screen_that_was_stopped_does_not_acknowledge(open_page, server, rig):
    made = rig("screen", config={"answer_s": 1})
    page = started(open_page, made)
    server.call("POST", f"/api/rigs/{made['id']}/light", {"light": "1"})
    page.keyboard.press("Escape")
    page.get_by_role("button", name="Start").wait_for()
    watcher = open_page(strict=False)
    watcher.goto(f"/capture/rigs/{made['id']}")
    watcher.get_by_role("button", name="Light 2").click()
    watcher.get_by_text("No screen answered within 1 s.").wait_for()
    assert watcher.get_by_text(f"Open /capture/light/{made['id']}").is_visible()
    page.get_by_role("button", name="Start").click()
    watcher.get_by_role("button", name="Light 2").click()
    watcher.locator(".rg-light.lit[data-name='2']").wait_for()


def test_a_screen_whose_rig_was_deleted_says_so(open_page, server):
    made = server.call("POST", "/api/rigs", {"name": "Gone soon", "driver": "screen", "lights": RING})
    page = open_page(strict=False)
    page.goto(f"/capture/light/{made['id']}")
    with contextlib.suppress(ValueError):  # 204 holds no JSON
        server.call("DELETE", f"/api/rigs/{made['id']}")
    page.get_by_role("button", name="Start").click()
    page.get_by_role("alert").filter(has_text="rig").wait_for()
    assert "running" not in page.locator("main").get_attribute("class")


def test_a_rig_is_made_tried_and_tested_on_its_page(open_page, server):
    page = open_page(width=1440, height=900)
    page.goto("/capture/rigs")
    page.get_by_role("link", name="New rig").first.click()
    page.get_by_role("link", name="A screen").click()
    page.wait_for_url("**/capture/rigs/new?driver=screen")
    page.get_by_label("Name").fill("Tablet beside the card")
    page.get_by_label("Radius").fill("120")
    page.get_by_label("Elevation", exact=True).fill("30")
    assert page.get_by_text("From the side: elevation 30.0°.").is_visible()
    page.get_by_role("button", name="Create rig").click()
    page.wait_for_url(re.compile("/capture/rigs/[0-9a-f]{32}$"))
    rig = server.call("GET", f"/api/rigs/{page.url.rsplit('/', 1)[1]}")
    assert (rig["lights"]["radius_mm"], rig["lights"]["elevation_deg"]) == (120, 30)
    third = page.locator(".rg-top [data-name='3']")
    assert third.get_attribute("transform") == "translate(120.0 0.0)", "to scale, at the right"

    screen = started(open_page, rig)
    page.get_by_role("button", name="Light 3").focus()
    page.keyboard.press("Enter")
    page.get_by_text("Light 3 is on, acknowledged in").wait_for()
    assert third.get_attribute("aria-pressed") == "true"
    assert bright_centre(screen)[0][0] > 0.7
    page.get_by_role("button", name="Test every light").click()
    page.get_by_text("8 lights answered").wait_for(timeout=15_000)
    assert page.locator("[data-tested] tbody tr").count() == 8
    assert page.get_by_text("only a camera sees").is_visible()
    assert server.call("GET", f"/api/rigs/{rig['id']}")["calibration"]["round_trip"]["lights"] == 8
    page.get_by_role("button", name="Give back").click()
    page.get_by_text("The device is as it was found").wait_for()

    page.get_by_role("button", name="Unknown").click()
    assert page.get_by_text("Relief will be uncalibrated.").is_visible()
    assert page.get_by_text("Not to scale").is_visible()
    page.get_by_label("Settle time").fill("80")
    page.get_by_role("button", name="Save").click()
    page.get_by_text("80\u2009ms").wait_for()
    assert server.call("GET", f"/api/rigs/{rig['id']}")["calibrated"] is False
    screen.close()  # it would ask for its light once more when the event stream passes to it
    page.get_by_role("button", name="Delete this rig").click()
    page.get_by_role("button", name="Delete rig").click()
    page.wait_for_url("**/capture/rigs")


def test_by_hand_the_page_says_where_to_hold_the_lamp(open_page, rig):
    made = rig("manual")
    page = open_page()
    page.goto(f"/capture/rigs/{made['id']}")
    page.get_by_role("button", name="Light 7").click()
    page.get_by_text("Light the card from the left (stop 7).").wait_for()
    page.get_by_role("button", name="Lit").click()
    page.get_by_text("Light 7 is on, acknowledged in").wait_for()
    assert not page.get_by_role("button", name="Lit").is_visible()


SEE = """async () => {
  const stream = await navigator.mediaDevices.getUserMedia({video: true});
  window.video = Object.assign(document.createElement('video'), {srcObject: stream, muted: true});
  await video.play();
  window.see = () => {
    const canvas = new OffscreenCanvas(video.videoWidth, video.videoHeight), draw = canvas.getContext('2d');
    draw.drawImage(video, 0, 0);
    return Array.from(draw.getImageData(canvas.width / 2, canvas.height / 2, 1, 1).data).slice(0, 3);
  };
  return [video.videoWidth, video.videoHeight];
}"""


def test_a_simulated_rig_changes_what_a_browsers_camera_sees(browser, server, rig):
    """The closed loop: light k is asked for, and the camera delivers its frame, in true colours."""
    scene = f"loop-{time.monotonic_ns()}"
    folder = server.home / "data" / "sim" / scene
    folder.mkdir(parents=True)
    colours = {"ambient": (8, 8, 8)} | {str(k): (20 + 25 * k, 120, 235 - 25 * k) for k in range(1, 9)}
    for name, colour in colours.items():
        image = np.full((480, 640, 3), colour, np.uint8)
        y4m.write(folder / f"{name}.y4m", 640, 480, y4m.i420(image))
    made = rig("sim", config={"scene": scene})
    light = f"/api/rigs/{made['id']}/light"
    server.call("POST", light, {"light": None})
    flags = ["--no-sandbox", "--use-fake-device-for-media-stream", "--use-fake-ui-for-media-stream",
             f"--use-file-for-fake-video-capture={folder / 'camera.y4m'}"]  # fmt: skip
    kind = browser.browser_type
    chromium = kind.launch(executable_path=shutil.which("chromium") or kind.executable_path, args=flags)
    try:
        page = chromium.new_context(ignore_https_errors=True).new_page()
        page.goto(server.url + "/sign-in")
        assert page.evaluate(SEE) == [640, 480]
        for name in "38152746":
            server.call("POST", light, {"light": name})
            page.wait_for_timeout(1000 * 0.3 + made["wait_ms"])
            assert page.evaluate("see()") == pytest.approx(list(colours[name]), abs=4), name
    finally:
        chromium.close()
