"""A phone photographs a card under eight lights: real Chromium, with a camera that a simulated rig writes."""

import time
from urllib.parse import urlsplit

import numpy as np
import pytest
from phone_rig import WANTED, Scene, begin, check_lights, four_lights, session_of, until
from running import GRADING_S, start_server

pytestmark = pytest.mark.browser


def test_a_rendered_card_from_the_phone_to_its_grade(own, phone):
    from rcg.photometric.render import draw_scene, render_scene

    drawn = draw_scene(3, n_lights=8, frame_size=(900, 1200))
    rendered = render_scene(drawn, relief_px_per_mm=12, maps_px_per_mm=5, threads=2)
    frames = {frame.name: frame.pixels for frame in rendered.frames}
    dark = (0.012 * frames["1"]).astype(np.uint8)
    scene = Scene(own, "card", frames, dark)
    positions = [[float(value) for value in place] for place in rendered.lights.positions_mm]
    own.call("POST", "/api/rigs", {"name": "true", "driver": "sim", "config": {"scene": "card"},
                                   "lights": {"kind": "positions", "positions_mm": positions}})  # fmt: skip
    page = phone(own, scene).page
    begin(page, "Rendered dragon", rig="true")
    page.get_by_text("Ready. Hold still.").wait_for()
    began = time.monotonic()
    page.locator("[data-go]").click()
    page.get_by_role("heading", name="Rendered dragon is taken").wait_for()
    took = time.monotonic() - began
    session = session_of(own)
    assert (session["state"], session["mode"], session["missing"]) == ("complete", "stream", [])
    check_lights(own, scene, session["frames"])
    assert took < 60, "the lights, the frames and the sending of one side"

    page.get_by_role("link", name="See the report").wait_for(timeout=1000 * GRADING_S)
    job = own.call("GET", f"/api/jobs/{session['job_id']}")
    assert job["state"] == "done", job["error"]
    report = own.call("GET", f"/api/grades/{job['result']['grade_id']}")
    measured = report["sides"]["front"]["centering"]
    truth = rendered.truth.centering
    for axis in ("left_right", "top_bottom"):
        assert measured[axis]["mean"] == pytest.approx(list(getattr(truth, axis).mean), abs=0.5)
    card = own.call("GET", f"/api/cards/{session['card']['id']}")
    assert card["grades"][0]["overall"], "all of the lights gave relief, so there is a whole grade"


def test_offline_reload_and_a_restart_of_the_server_lose_and_double_nothing(own, phone, plain):
    device = phone(own, plain)
    page = device.page
    begin(page, "Traveller")
    page.evaluate("""() => {
      const real = window.fetch, gone = () => Promise.reject(new TypeError('offline'));
      window.fetch = (path, init) => (String(path).startsWith('/api/blobs/') ? gone() : real(path, init));
    }""")
    page.locator("[data-go]").click()
    page.get_by_text("9 to send").first.wait_for(timeout=60_000)
    assert session_of(own)["frames"] == [], "the frames are on the phone alone"

    port = int(own.url.rsplit(":", 1)[1])
    own.stop()
    again = start_server(own.home, port)
    own.process, own.token = again.process, again.token
    page.reload()
    done = until(lambda: (found := session_of(own))["state"] == "complete" and found)
    check_lights(own, plain, done["frames"])
    assert len(done["frames"]) == len(WANTED)
    page.get_by_role("heading", name="Traveller is taken").wait_for()
    capture = own.call("GET", f"/api/captures/{done['captures']['front']}")
    assert [frame["light"] for frame in capture["frames"]] == WANTED
    jobs = own.call("GET", f"/api/jobs?kind=grade&subject=card:{done['card']['id']}")["items"]
    assert [job["id"] for job in jobs] == [done["job_id"]]


def test_the_camera_is_accessible_while_it_shoots(own, phone, plain):
    from rcg.web import bundle

    axe = (bundle.FRONTEND / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8")
    # The checker is injected, which the page's own policy rightly forbids.
    page = phone(own, plain, bypass_csp=True).page
    wrong = []

    def check(where):
        page.evaluate(axe)
        found = page.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
        wrong.extend(f"{where}: {each['id']}: {each['nodes'][0]['html'][:160]}" for each in found)
        if page.evaluate("document.documentElement.scrollWidth > innerWidth"):
            wrong.append(f"{where}: wider than the phone")

    check("choosing")
    begin(page, "For everybody")
    check("aiming")
    page.get_by_role("button", name="Options").click()
    check("options")
    page.keyboard.press("Escape")
    shutter = page.get_by_role("button", name="Shoot: 0 of 9 frames taken")
    for _ in range(20):  # by keys alone, and told in words
        if shutter.evaluate("button => button === document.activeElement"):
            break
        page.keyboard.press("Tab")
    assert page.get_by_role("status").first.inner_text() != ""
    page.keyboard.press("Space")
    page.get_by_role("heading", name="For everybody is taken").wait_for(timeout=60_000)
    check("done")
    assert wrong == []


def test_a_retake_replaces_one_frame_and_both_sides_follow(own, phone, plain):
    page = phone(own, plain).page
    begin(page, "Two sides", sides="Front and back")
    page.locator("[data-go]").click()
    page.get_by_role("heading", name="The front is done").wait_for(timeout=60_000)
    before = {frame["light"]: frame["sha256"] for frame in session_of(own)["frames"]}
    page.get_by_role("button", name="Take a frame again").click()
    page.locator("[data-thumbs] [data-light='4']").click()
    page.get_by_text("Take light 4 again.").wait_for()
    page.locator("[data-go]").click()
    page.get_by_role("heading", name="The front is done").wait_for()
    after = session_of(own)
    changed = {frame["light"] for frame in after["frames"] if frame["sha256"] != before[frame["light"]]}
    assert changed <= {"4"}
    assert after["state"] == "shooting"

    page.get_by_role("button", name="Photograph the back").click()
    page.locator("[data-go]:not([disabled])").wait_for()
    page.locator("[data-go]").click()
    page.get_by_role("heading", name="Two sides is taken").wait_for(timeout=60_000)
    done = session_of(own)
    assert set(done["captures"]) == {"front", "back"}
    page.get_by_role("button", name="Next card").click()
    page.locator("[data-go]:not([disabled])").wait_for()
    assert session_of(own)["sides"] == ["front", "back"]


def test_the_desk_begins_and_mirrors(own, phone, plain):
    device = phone(own, plain)
    desk = device.context.new_page()
    desk.goto("/capture/desk")
    desk.set_viewport_size({"width": 1200, "height": 900})
    desk.get_by_label("Card", exact=True).fill("From the desk")
    desk.get_by_label("Front", exact=True).check()
    desk.get_by_label("Lights").select_option(label="bars (Simulated)")
    desk.get_by_role("button", name="Begin").click()
    desk.get_by_role("heading", name="From the desk, front").wait_for()
    session = session_of(own)
    desk.locator("[data-link]", has_text=session["id"]).wait_for()
    desk.locator(f"[data-code][data-url$='{session['id']}'] svg[role=img]").wait_for()

    device.page.bring_to_front()
    device.page.locator("[data-go]:not([disabled])").wait_for()
    device.page.locator("[data-go]").click()
    device.page.get_by_role("heading", name="From the desk is taken").wait_for(timeout=60_000)
    desk.get_by_text("Every frame is here.").wait_for()
    assert desk.locator("[data-ring] .sent").count() == len(WANTED)
    assert desk.locator("[data-frames] img").count() == len(WANTED)
    desk.get_by_role("link", name="Go to the card").wait_for()


def test_the_page_opens_without_the_network_and_sends_when_it_is_back(own, phone, plain):
    device = phone(own, plain)
    page = device.page
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    begin(page, "Cellar")
    page.evaluate("""() => {
      const real = window.fetch, gone = () => Promise.reject(new TypeError('offline'));
      window.fetch = (path, init) => (String(path).startsWith('/api/blobs/') ? gone() : real(path, init));
    }""")
    page.locator("[data-go]").click()
    page.get_by_text("9 to send").first.wait_for(timeout=60_000)
    device.context.set_offline(True)
    page.reload()
    page.get_by_text("9 frames on this phone wait to be sent").wait_for()
    page.get_by_text("It goes on as soon as the server answers").wait_for()
    device.context.set_offline(False)
    page.get_by_role("heading", name="Cellar is taken").wait_for(timeout=60_000)
    check_lights(own, plain, session_of(own)["frames"])
    kept = page.evaluate(
        "caches.keys().then(names => Promise.all(names.map(name => caches.open(name).then(c => c.keys()))))"
        ".then(all => all.flat().map(request => new URL(request.url).pathname))"
    )
    assert "/capture/" in kept
    assert [path for path in kept if path.startswith("/api")] == []


WEBKIT = """
  delete window.ImageCapture;
  delete HTMLVideoElement.prototype.requestVideoFrameCallback;
  delete Navigator.prototype.wakeLock;
  delete Navigator.prototype.vibrate;
  delete MediaStreamTrack.prototype.getCapabilities;
  delete window.BarcodeDetector;
  delete window.VideoFrame;
  delete window.OffscreenCanvas;
  delete window.SyncManager;
"""


def test_a_browser_without_the_newer_interfaces_takes_the_same_frames(own, phone, plain):
    device = phone(own, plain)
    device.context.add_init_script(WEBKIT)
    device.page.goto("/capture/")
    device.page.locator("body[data-ready]").wait_for()
    begin(device.page, "Plain browser")
    device.page.locator("[data-figures]", has_text="in the page itself").wait_for(state="attached")
    device.page.get_by_text("This browser does not keep the screen on").wait_for(state="attached")
    device.page.locator("[data-go]").click()
    device.page.get_by_role("heading", name="Plain browser is taken").wait_for(timeout=60_000)
    check_lights(own, plain, session_of(own)["frames"])


def test_photographs_by_the_page_itself_are_one_set_too(own, phone, plain):
    device = phone(own, plain)
    page = device.page
    page.goto("/capture/probe")
    page.get_by_role("button", name="Measure").click()
    page.locator("[data-probe][data-mode]").wait_for(timeout=60_000)
    assert "480 × 640 px" in page.locator("tr", has_text="A photograph").inner_text()
    assert page.locator("[data-probe]").get_attribute("data-mode") == "stream", "as large and slower"
    assert "moves by 0.0 % in 3 s" in page.locator("tr", has_text="Brightness").inner_text()
    page.evaluate("localStorage.setItem('rcg-capture-mode', 'photo')")
    page.goto("/capture/")
    page.locator("body[data-ready]").wait_for()
    begin(page, "Photographs")
    page.locator("[data-go]").click()
    page.get_by_role("heading", name="Photographs is taken").wait_for(timeout=60_000)
    session = session_of(own)
    assert session["mode"] == "photo"
    check_lights(own, plain, session["frames"])


def test_it_looks_ten_times_a_second_and_shoots_by_itself(own, phone, plain):
    page = phone(own, plain).page
    begin(page, "By itself")
    page.get_by_text("Ready. Hold still.").wait_for()
    page.wait_for_timeout(1500)
    looks = page.locator("[data-figures]").text_content()
    assert int(looks.split(", ")[1].split(" ")[0]) >= 10, looks
    page.get_by_role("button", name="Auto").click()
    page.get_by_role("heading", name="By itself is taken").wait_for(timeout=60_000)
    check_lights(own, plain, session_of(own)["frames"])


def test_exposure_is_held_by_a_camera_that_can(own, phone, plain):
    """Chromium's own fake camera has exposure and focus; it shows no scene, so only the lock is looked at."""
    device = phone(own, plain, own_camera=True)
    device.page.goto("/capture/probe")
    device.page.get_by_role("button", name="Measure").click()
    device.page.locator("[data-probe][data-mode]").wait_for(timeout=60_000)
    held = device.page.locator("tr", has_text="Stays as it is").inner_text()
    assert "exposure" in held
    assert "focus" in held
    assert "white balance" in device.page.locator("tr", has_text="Cannot be held").inner_text()


def by_hand(server, phone, scene, name):
    """A phone's page that has begun a card under a lamp in the hand."""
    rigs = {rig["name"] for rig in server.call("GET", "/api/rigs")["items"]}
    if "hand" not in rigs:
        server.call("POST", "/api/rigs", {"name": "hand", "driver": "manual"})
    page = phone(server, scene).page
    scene.show("1")
    begin(page, name, rig="hand", way="By hand")
    return page


def test_a_lamp_in_the_hand_waits_for_a_tap(own, phone, plain):
    page = by_hand(own, phone, plain, "Torch")
    page.locator("[data-go]").click()
    tap_lit(page, plain, {light: light for light in WANTED})
    page.get_by_text("The printed mat is not in view: nothing can check").wait_for()
    page.get_by_role("heading", name="Torch is taken").wait_for(timeout=60_000)
    check_lights(own, plain, session_of(own)["frames"])


def test_a_look_that_comes_late_takes_no_tap_away(own, phone, plain):
    """The page looks now and then for what is asked; an answer older than what it heard is worth nothing."""
    page = by_hand(own, phone, plain, "Late")
    late = []
    asks = "**/api/rigs/*/light"
    page.route(asks, lambda route: late.append((route, own.call("GET", urlsplit(route.request.url).path))))
    page.locator("[data-go]").click()
    tap_lit(page, plain, {"ambient": "ambient"})
    advice = page.locator("[data-advice]", has_text="(stop 1)")
    advice.wait_for()
    page.wait_for_timeout(1700)
    assert late, "the page looked"
    tap_lit(page, plain, {"1": "1"})
    page.locator("[data-advice]", has_text="(stop 2)").wait_for()
    for route, answer in late:
        route.fulfill(json=answer)
    page.unroute(asks)
    page.wait_for_timeout(200)
    assert not advice.is_visible()
    tap_lit(page, plain, {"2": "2"})
    page.locator("[data-advice]", has_text="(stop 3)").wait_for()
    page.locator("[data-stop]").click()


def tap_lit(page, scene, shows):
    """A person who holds the lamp where the page says, or, by ``shows``, elsewhere; and taps."""
    for light, shown in shows.items():
        words = "Switch the lamp off." if light == "ambient" else f"(stop {light})"
        page.locator("[data-advice]", has_text=words).wait_for()
        scene.show(shown)
        page.locator("[data-go]", has_text="Lit").click()


def test_a_lamp_held_at_the_wrong_stop_is_seen_by_the_mat_and_taken_again(own, phone):
    from rcg.photometric.render import draw_scene, render_scene
    from rcg.photometric.render.handheld import on_mat

    made = on_mat(draw_scene(3, n_lights=4, frame_size=(750, 1000)))
    side = render_scene(made, relief_px_per_mm=8, maps_px_per_mm=5, threads=2)
    frames = {frame.name: frame.pixels for frame in side.frames}
    scene = Scene(own, "torch", frames, (0.03 * frames["1"]).astype(np.uint8))
    scene.frames["slip"] = np.roll(frames["4"], 1, axis=1)  # the same bytes twice would be refused at once
    lights = {"kind": "named", "count": 4}
    own.call("POST", "/api/rigs", {"name": "torch", "driver": "manual", "lights": lights})
    page = phone(own, scene).page
    begin(page, "Held wrong", rig="torch", way="By hand")
    page.locator("[data-go]").click()
    tap_lit(page, scene, {"ambient": "ambient", "1": "1", "2": "slip", "3": "3", "4": "4"})
    page.get_by_text("This was lit from stop 4, not from stop 2.").wait_for(timeout=60_000)
    page.locator("[data-thumbs] .unplaced[data-light='2']").wait_for()
    page.get_by_role("button", name="Take light 2 again", exact=True).click()
    page.get_by_role("button", name="Retake").click()
    tap_lit(page, scene, {"2": "2"})
    page.get_by_role("heading", name="Held wrong is taken").wait_for(timeout=60_000)
    checks = until(lambda: (found := checks_of(own)) and "waiting" not in found.values() and found)
    assert checks == {"1": "right", "2": "right", "3": "right", "4": "right"}


def checks_of(server):
    frames = session_of(server)["frames"]
    return {frame["light"]: frame["check"]["state"] for frame in frames if frame["check"]}


def test_a_screen_lights_the_card_while_the_phone_photographs(own, phone, plain):
    """The whole way with two pages: one is the light, the other's camera sees what the first paints."""
    rig = own.call("POST", "/api/rigs", {"name": "tablet", "driver": "screen"})
    tablet = phone(own, plain, "tablet").page

    def painted(_source, words):
        shown = {"Dark": "ambient", "Every light is on": "all"}.get(words) or words.split(" ")[1]
        if shown in plain.frames:
            plain.show(shown)

    tablet.expose_binding("painted", painted)
    tablet.goto(f"/capture/light/{rig['id']}")
    tablet.evaluate("""() => {
      const status = document.querySelector("[data-status]");
      new MutationObserver(() => window.painted(status.textContent)).observe(status, { childList: true });
    }""")
    tablet.get_by_role("button", name="Start").click()
    own.call("PATCH", f"/api/rigs/{rig['id']}", {"settle_ms": 400})
    page = phone(own, plain).page
    begin(page, "By a screen", rig="tablet", way="A screen")
    page.locator("[data-go]").click()
    page.get_by_role("heading", name="By a screen is taken").wait_for(timeout=90_000)
    check_lights(own, plain, session_of(own)["frames"])


def test_how_long_lights_need_is_measured_by_the_camera(own, phone, plain):
    made = four_lights(own)
    page = phone(own, plain).page
    begin(page, "Settling", rig="four")
    page.get_by_role("button", name="Options").click()
    page.get_by_role("button", name="Measure how long the lights need").click()
    page.get_by_text("the slowest of 4 lights.").wait_for(timeout=60_000)
    # Two pictures of a camera that gives ten a second, and what a busy computer adds.
    assert 0 <= own.call("GET", f"/api/rigs/{made['id']}")["settle_ms"] < 1200


def test_a_new_version_a_sleep_and_a_full_phone_do_not_disturb_a_capture(own, phone, plain):
    from rcg.web import bundle

    device = phone(own, plain)
    page = device.page
    page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    page.reload()
    page.locator("body[data-ready]").wait_for()
    begin(page, "Undisturbed")
    worker = bundle.DIST / "sw.js"
    script = worker.read_text("utf-8")
    state = "navigator.serviceWorker.getRegistration().then(found => !!found.waiting)"
    try:
        worker.write_text(script + "\n// a newer one", "utf-8")
        page.evaluate("navigator.serviceWorker.getRegistration().then(found => found.update()).then(Boolean)")
        until(lambda: page.evaluate(state))
        # The first frames find the phone full; then it sleeps for a while.
        page.evaluate("""() => {
          const real = IDBObjectStore.prototype.put;
          let left = 1;
          IDBObjectStore.prototype.put = function (...given) {
            const request = real.apply(this, given);
            if (left-- > 0) this.transaction.abort();
            return request;
          };
        }""")
        page.locator("[data-go]").click()
        page.get_by_text("This phone has no room for the frame.").wait_for()
        assert session_of(own)["frames"] == []
        page.get_by_role("button", name="Go on").click()
        until(lambda: session_of(own)["frames"])
        tools = device.context.new_cdp_session(page)
        tools.send("Page.setWebLifecycleState", {"state": "frozen"})
        time.sleep(1)
        tools.send("Page.setWebLifecycleState", {"state": "active"})
        assert page.evaluate(state), "it waits while the card is photographed"
        page.get_by_role("heading", name="Undisturbed is taken").wait_for(timeout=60_000)
        check_lights(own, plain, session_of(own)["frames"])
        # Chromium keeps the old worker while a request is in its hands; the next page has the new one.
        page.close()
        after = device.context.new_page()
        after.goto("/capture/")
        until(lambda: not after.evaluate(state))
    finally:
        worker.write_text(script, "utf-8")


LOSSY = """() => {
  const real = window.fetch;
  let asked = 0;
  window.cut = 0;
  window.fetch = async (path, init) => {
    if (!/blobs|frames|light$/.test(String(path)) || ++asked % 3) return real(path, init);
    if (++window.cut % 2) await real(path, init);
    throw new TypeError("cut");
  };
}"""


def test_a_network_that_fails_every_third_time_loses_and_doubles_nothing(own, phone, plain):
    """Some requests are cut before they leave; of others the answer is: those are what doubles things."""
    page = phone(own, plain).page
    begin(page, "Lossy")
    page.evaluate(LOSSY)
    for number in range(2):
        page.locator("[data-go]").click()
        page.get_by_role("heading", name="is taken").wait_for(timeout=90_000)
        session = session_of(own)
        check_lights(own, plain, session["frames"])
        assert session["state"] == "complete"
        assert len(session["frames"]) == len(WANTED)
        jobs = own.call("GET", f"/api/jobs?kind=grade&subject=card:{session['card']['id']}")["items"]
        assert len(jobs) == 1
        if number == 0:
            page.get_by_role("button", name="Next card").click()
            page.locator("[data-go]:not([disabled])").wait_for()
    assert page.evaluate("window.cut") >= 20
