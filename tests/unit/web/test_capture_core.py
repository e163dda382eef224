"""What the phone's page decides, run by Node: frames on their way, what a picture shows, what is held."""

import gzip
import re

import cv2
import numpy as np
import pytest
from annotate_node import Core

from rcg.web import bundle

ENTRY = """
export * as spool from "./spool";
export * as store from "./store";
export * as find from "./find";
export * as advice from "./advice";
export * as measure from "./measure";
export * as lock from "./lock";
export { marks } from "./thumbs";
export { choose } from "./choice";
export { Looker, shrunk } from "./look";
export { driftOf, settledAfter } from "./settle";
"""
CARD = 63 / 88
SPOOL = """
  const sent = [], refused = [], said = [];
  const store = core.store.memoryStore();
  const answers = [...given.answers];
  const send = async (entry) => {
    sent.push(entry.sha256);
    const answer = answers.length ? answers.shift() : "ok";
    if (answer === "ok") return { sha256: entry.sha256, kept: true, changed: true, session: {} };
    if (answer === "wrong") return { sha256: "other", kept: true, changed: true, session: {} };
    throw Object.assign(new Error("no"), { status: answer, detail: `status ${answer}`, hint: "" });
  };
  const listener = { taken: () => {}, waiting: (entries, problem) => said.push([entries.length, problem]),
                     refused: (entry, error) => refused.push([entry.sha256, error.status]) };
  const frame = (sha256, light, at) => ({ sha256, session: "s", light, at, type: "image/jpeg",
                                          bytes: new ArrayBuffer(1),
                                          meta: { side: "front" } });
  const spool = new core.spool.Spool(store, send, listener);
  const left = async () => (await store.all()).map((entry) => entry.sha256);
"""


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    return Core(tmp_path_factory.mktemp("core"), ENTRY, "src/capture")


def picture(corners, size=(180, 240), ground=40, card=170, noise=2.0):
    """A grey picture of a printed card with these corners."""
    width, height = size
    grey = np.full((height, width), ground, np.float32)
    flat = np.full((880, 630), card, np.float32)
    flat[40:-40, 40:-40] = 110
    flat[100:400, 80:-80] = 60
    target = np.float32(corners)
    warp = cv2.getPerspectiveTransform(np.float32([[0, 0], [630, 0], [630, 880], [0, 880]]), target)
    drawn = cv2.warpPerspective(flat, warp, size, flags=cv2.INTER_AREA, borderValue=-1)
    grey = np.where(drawn >= 0, drawn, grey)
    grey += np.random.default_rng(1).normal(0, noise, grey.shape)
    return {"width": width, "height": height, "data": grey.clip(0, 255).astype(np.uint8).ravel().tolist()}


def turned(degrees, size=(180, 240), fill=0.7):
    """Corners of an upright card turned about the middle."""
    height = fill * size[1]
    half = np.array([[-1, -1], [1, -1], [1, 1], [-1, 1]]) * [height * CARD / 2, height / 2]
    angle = np.deg2rad(degrees)
    spin = np.array([[np.cos(angle), -np.sin(angle)], [np.sin(angle), np.cos(angle)]])
    return half @ spin.T + [size[0] / 2, size[1] / 2]


FIND = "return core.find.findCard({ ...given.grey, data: Uint8Array.from(given.grey.data) });"


@pytest.mark.parametrize("degrees", [-12, 0, 5, 15])
@pytest.mark.parametrize(("ground", "card"), [(40, 170), (215, 90)])
def test_a_card_is_found_where_it_lies(core, degrees, ground, card):
    corners = turned(degrees)
    found = core(FIND, grey=picture(corners, ground=ground, card=card))
    got = np.array([[p["x"] * 180, p["y"] * 240] for p in found["corners"]])
    assert np.abs(got - corners).max() < 3, "pixels of a picture of 180 x 240"
    assert found["fill"] == pytest.approx((0.7 * 240) ** 2 * CARD / (180 * 240), rel=0.06)
    assert found["turn"] == pytest.approx(degrees, abs=1.5)
    assert found["inside"]
    assert found["tilt"] < 0.03


def test_a_phone_that_is_tilted_is_noticed(core):
    leaning = [[45, 30], [135, 30], [147, 210], [33, 210]]
    assert core(FIND, grey=picture(leaning))["tilt"] == pytest.approx(1 - 90 / 114, abs=0.03)


def test_a_card_that_leaves_the_picture_is_not_inside(core):
    found = core(FIND, grey=picture(turned(0, fill=0.9) + np.array([34, 0])))
    assert found is None or not found["inside"]


@pytest.mark.parametrize(
    "corners",
    [[[60, 60], [120, 60], [120, 120], [60, 120]], [[80, 20], [95, 20], [95, 220], [80, 220]]],
    ids=["a square", "a stick"],
)
def test_what_has_no_cards_shape_is_no_card(core, corners):
    assert core(FIND, grey=picture(corners)) is None


def test_an_empty_table_has_no_card(core):
    grey = np.random.default_rng(0).normal(90, 3, (240, 180)).clip(0, 255).astype(np.uint8)
    assert core(FIND, grey={"width": 180, "height": 240, "data": grey.ravel().tolist()}) is None


def test_sharpness_is_the_variance_of_the_laplacian(core):
    grey = np.random.default_rng(3).integers(0, 256, (40, 50)).astype(np.uint8)
    got = core("return core.measure.sharpness({ ...given, data: Uint8Array.from(given.data) });",
               width=50, height=40, data=grey.ravel().tolist())  # fmt: skip
    kernel = np.float64([[0, -1, 0], [-1, 4, -1], [0, -1, 0]])
    want = cv2.filter2D(grey.astype(np.float64), -1, kernel)[1:-1, 1:-1].var()
    assert got == pytest.approx(want)


def test_levels_count_what_is_clipped_and_black(core):
    grey = [0] * 10 + [100] * 60 + [255] * 30
    got = core("return core.measure.levels({ ...given, data: Uint8Array.from(given.data) });",
               width=10, height=10, data=grey)  # fmt: skip
    assert got == {"mean": pytest.approx(136.5), "clipped": 0.3, "dark": 0.1}


def test_advice_names_the_first_thing_that_is_wrong(core):
    found = {"corners": [], "fill": 0.5, "tilt": 0.02, "turn": 0, "inside": True}
    good = {"found": found, "sharpness": 100, "clipped": 0, "mean": 90, "motion": 1}
    say = "return core.advice.advise(given.seen, 100);"
    assert core(say, seen=good)["good"] is True
    for change, words in [
        ({"found": None}, "Lay the card flat"), ({"found": {**found, "fill": 0.1}}, "Closer"),
        ({"found": {**found, "inside": False}}, "Further away"), ({"found": {**found, "tilt": 0.3}}, "level"),
        ({"motion": 20}, "Hold still."), ({"clipped": 0.2}, "reflection"), ({"sharpness": 20}, "Not sharp"),
        ({"mean": 5}, "Too dark"), ({"mean": 250}, "Too bright"),
    ]:  # fmt: skip
        answer = core(say, seen=good | change)
        assert words in answer["words"], change
        assert answer["good"] is False


def test_frames_are_forgotten_only_when_the_server_has_them(core):
    got = core(
        SPOOL
        + """
      await spool.open();
      await spool.add(frame("a", "1", 1));
      await spool.flush();
      const first = await left();
      await spool.flush();
      return { first, second: await left(), sent };
    """,
        answers=[0, "ok"],
    )
    assert got == {"first": ["a"], "second": [], "sent": ["a", "a"]}


def test_another_hash_is_no_confirmation(core):
    got = core(SPOOL + 'await spool.add(frame("a", "1", 1)); await spool.flush(); return await left();',
               answers=["wrong"])  # fmt: skip
    assert got == ["a"]


def test_what_an_earlier_page_left_is_sent_oldest_first(core):
    got = core(
        SPOOL
        + """
      for (const [sha, at] of [["b", 2], ["a", 1], ["c", 3]]) await store.put(frame(sha, sha, at));
      await spool.open();
      await spool.flush();
      return { sent, left: await left() };
    """,
        answers=[],
    )
    assert got == {"sent": ["a", "b", "c"], "left": []}


def test_a_retake_takes_the_place_of_what_has_not_left(core):
    got = core(
        SPOOL
        + """
      await spool.add(frame("old", "1", 1));
      await spool.flush();
      await spool.add(frame("new", "1", 2));
      await spool.flush();
      return { left: await left(), sent };
    """,
        answers=[0, 0],
    )
    assert got["left"] == ["new"]
    assert got["sent"][-1] == "new"


def test_what_the_server_never_takes_is_said_and_does_not_hold_up_the_rest(core):
    got = core(
        SPOOL
        + """
      await store.put(frame("a", "1", 1)); await store.put(frame("b", "2", 2));
      await spool.open();
      await spool.flush();
      return { refused, left: await left(), sent };
    """,
        answers=[409, "ok"],
    )
    assert got == {"refused": [["a", 409]], "left": [], "sent": ["a", "b"]}


@pytest.mark.parametrize("status", [401, 429, 500, 503])
def test_what_may_pass_later_is_kept(core, status):
    got = core(SPOOL + 'await spool.add(frame("a", "1", 1)); await spool.flush(); return await left();',
               answers=[status])  # fmt: skip
    assert got == ["a"]


CAMERA = """
  globalThis.document = { createElement: () => ({}) };
  const state = { exposureMode: "continuous", exposureTime: 400, iso: 100, colorTemperature: 4500,
                  whiteBalanceMode: "continuous", focusMode: "continuous", focusDistance: 0.3 };
  const asked = [];
  const camera = {
    capabilities: given.able, get settings() { return state; },
    small: () => ({ width: 8, height: 8, data: new Uint8ClampedArray(256).fill(
      state.exposureTime > given.clipsAbove ? 255 : 100) }),
    track: { applyConstraints: async ({ advanced: [values] }) => { asked.push(values);
      if (!given.deaf) Object.assign(state, values); } },
  };
  const how = await core.lock.hold(camera);
  return { how, asked, state, says: core.lock.sentence(how) };
"""
ABLE = {
    "exposureMode": ["continuous", "manual"], "exposureTime": {"min": 1, "max": 10_000}, "iso": {"min": 50},
    "whiteBalanceMode": ["continuous", "manual"], "colorTemperature": {"min": 2850},
    "focusMode": ["continuous", "manual"], "focusDistance": {"min": 0},
}  # fmt: skip


def test_exposure_time_and_iso_are_held_together_and_read_back(core):
    got = core(CAMERA, able=ABLE, clipsAbove=1000)
    assert got["how"] == {"held": ["exposure", "white balance", "focus"], "not": [], "notes": []}
    manual = [values for values in got["asked"] if values.get("exposureMode") == "manual"]
    assert manual == [{"exposureMode": "manual", "exposureTime": 400, "iso": 100}]
    assert got["says"].startswith("Exposure, white balance and focus stay")


def test_exposure_is_cut_until_nothing_clips(core):
    got = core(CAMERA, able=ABLE, clipsAbove=250)
    assert got["state"]["exposureTime"] == pytest.approx(400 * 0.75**2)
    assert "cut to 56 %" in got["how"]["notes"][0]


def test_a_lock_that_does_not_hold_is_said(core):
    got = core(CAMERA, able=ABLE, clipsAbove=1000, deaf=True)
    assert got["how"]["held"] == []
    assert "cannot hold exposure and white balance and focus" in got["says"]


def test_a_phone_that_holds_white_balance_alone_says_so(core):
    able = {"whiteBalanceMode": ["continuous", "manual"]}
    got = core(CAMERA, able=able, clipsAbove=1000)
    assert got["how"]["held"] == ["white balance"]
    assert got["says"].startswith("White balance stays as it is; this browser cannot hold exposure and focus")


def test_a_soft_or_clipped_frame_is_marked(core):
    sharp = [{"sharpness": value} for value in (100, 110, 95, 20)]
    assert core("return core.marks(given.all[3], given.all);", all=sharp) == ["soft"]
    assert core("return core.marks(given.all[0], given.all);", all=sharp) == []
    assert core("return core.marks({ sharpness: 100, clipped: 0.2 }, given.all);", all=sharp) == ["clipped"]


def test_a_small_copy_of_the_luma_plane_is_what_averaging_gives(core):
    rng = np.random.default_rng(4)
    plane = rng.integers(16, 236, (540, 960), np.uint8)
    padded = np.zeros((540, 1024), np.uint8)
    padded[:, :960] = plane
    got = core(
        "const grey = core.shrunk(Uint8Array.from(given.luma), 1024, 960, 540, false);"
        "return { width: grey.width, height: grey.height, data: [...grey.data] };",
        luma=padded.ravel().tolist(),
    )  # fmt: skip
    assert (got["width"], got["height"]) == (480, 270)
    true = (plane.reshape(270, 2, 480, 2).mean(axis=(1, 3)) - 16) * 255 / 219
    np.testing.assert_allclose(np.array(got["data"]).reshape(270, 480), true, atol=1.0)


def ramp(steady_ms, end=120.0, dark=20.0, wobble=0.0):
    """Brightness in every frame of 30 a second: rising until ``steady_ms``, then staying there."""
    times = [1000 + 33 * k for k in range(45)]
    return [
        {"at": t, "mean": dark + (end - dark) * min(1, (t - 1000) / max(steady_ms, 1)) + wobble * (k % 2)}
        for k, t in enumerate(times)
    ]


@pytest.mark.parametrize("steady_ms", [0, 100, 400, 900])
def test_a_light_has_settled_when_its_brightness_stays(core, steady_ms):
    seconds = core("return core.settledAfter(given.samples, 1000, 20);", samples=ramp(steady_ms))
    assert seconds * 1000 == pytest.approx(steady_ms, abs=40)


@pytest.mark.parametrize(
    "samples", [ramp(100, end=21), ramp(3000), ramp(100, wobble=30), ramp(100)[:4]],
    ids=["no light seen", "still rising", "flickers", "too few frames"],
)  # fmt: skip
def test_a_light_that_does_not_settle_has_no_time(core, samples):
    assert core("return core.settledAfter(given.samples, 1000, 20);", samples=samples) is None


def test_drift_is_the_widest_stray_from_the_middle(core):
    samples = [{"at": k, "mean": mean} for k, mean in enumerate([100, 100, 101, 100, 97, 100])]
    assert core("return core.driftOf(given.samples);", samples=samples) == pytest.approx(0.03)
    assert core("return core.driftOf([]);") == 0


WAY = {"width": 1920, "height": 1080, "ms": 100}
MEASURED = {"stream": WAY, "photo": {"width": 4032, "height": 3024, "ms": 900}, "photoProblem": "",
            "held": ["exposure"], "heldAfterPhoto": ["exposure"]}  # fmt: skip


@pytest.mark.parametrize(
    ("change", "mode", "words"),
    [
        ({}, "photo", "12.2 megapixels against 2.1"),
        ({"photo": None, "photoProblem": "it takes none."}, "stream", "it takes none."),
        ({"heldAfterPhoto": []}, "stream", "lets go of exposure"),
        ({"photo": {**WAY, "width": 2000}}, "stream", "is quicker"),
        ({"photo": {"width": 4032, "height": 3024, "ms": 4000}}, "stream", "takes 4.0 s"),
    ],
)
def test_the_way_that_suits_a_phone_is_chosen_with_its_reason(core, change, mode, words):
    choice = core("return core.choose(given.measured);", measured=MEASURED | change)
    assert choice["mode"] == mode
    assert words in choice["reason"]


def test_the_phones_page_loads_60_kilobytes_at_most():
    built = bundle.ensure()
    waiting, seen = [built.files["capture.js"], built.files["guide.js"]], set()
    while waiting:
        name = waiting.pop()
        if name not in seen:
            seen.add(name)
            waiting += re.findall(r'["\']\./([\w-]+\.js)["\']', (bundle.DIST / name).read_text())
    total = sum(len(gzip.compress((bundle.DIST / name).read_bytes())) for name in seen)
    assert total <= 60_000, (total, seen)
