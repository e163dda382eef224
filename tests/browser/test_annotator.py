"""The annotator in a real browser: every tool by mouse, keys and fingers, to the pixel on the server."""

import gzip
import re
import time
import uuid

import pytest
from accessible import complaints

from rcg.web import bundle

pytestmark = pytest.mark.browser
RENDER_S = 240
SCALE = 2
"""screen pixels per image pixel in these tests"""
PAYLOAD_KIB = 180
PIXEL = """([x, y]) => {
  const canvas = document.querySelector("[data-picture] canvas"), ratio = canvas.width / canvas.clientWidth;
  return [...canvas.getContext("2d").getImageData(x * ratio, y * ratio, 1, 1).data].slice(0, 3);
}"""


def rendered(server, name, kind, cards):
    made = server.call(
        "POST", "/api/datasets/render", {"name": name, "kind": kind, "cards": cards, "seed": 5}
    )
    end = time.monotonic() + RENDER_S
    while time.monotonic() < end:
        job = server.call("GET", f"/api/jobs/{made['job']['id']}")
        if job["state"] == "done":
            found = server.call("GET", f"/api/datasets/{made['dataset']['id']}/items")["items"]
            return made["dataset"]["id"], [item["id"] for item in found]
        assert job["state"] in {"queued", "running"}, job["error"]
        time.sleep(0.3)
    raise AssertionError(f"{cards} cards were not rendered in {RENDER_S} s")


@pytest.fixture(scope="module")
def flaws(server):
    return rendered(server, "Flaws to draw", "surface_damage", 3)


@pytest.fixture(scope="module")
def corners(server):
    return rendered(server, "Corners to place", "corner_detection", 1)


class Desk:
    """An item open in a page, at a known place: the image point in the middle, and the scale."""

    def __init__(self, server, page, dataset, item, centre=(150, 200)):
        self.server, self.page, self.dataset, self.item, self.centre = server, page, dataset, item, centre
        self.open()

    def open(self):
        self.page.goto(f"/annotate/{self.dataset}/{self.item}?at={self.centre[0]},{self.centre[1]},{SCALE}")
        self.ready()

    def ready(self):
        self.page.locator(f'.an[data-ready=true][data-item="{self.item}"]').wait_for()
        self.page.wait_for_function(
            "() => document.querySelector('[data-progress]').textContent.includes(' of ')"
        )
        self.box = self.page.locator("[data-stage]").bounding_box()

    def at(self, x, y):
        """The screen point of an image point."""
        return (
            self.box["x"] + self.box["width"] / 2 + (x - self.centre[0]) * SCALE,
            self.box["y"] + self.box["height"] / 2 + (y - self.centre[1]) * SCALE,
        )

    def click(self, *points):
        for x, y in points:
            self.page.mouse.move(*self.at(x, y))
            self.page.mouse.click(*self.at(x, y))
            self.page.wait_for_timeout(380)  # two clicks that are quicker are a double click

    def drag(self, *points):
        self.page.mouse.move(*self.at(*points[0]))
        self.page.mouse.down()
        for point in points[1:]:
            self.page.mouse.move(*self.at(*point), steps=4)
        self.page.mouse.up()

    def press(self, *keys):
        for key in keys:
            self.page.keyboard.press(key)

    def saved(self):
        self.page.locator("[data-saved][data-state=saved][data-waiting='0']").wait_for()

    def stored(self):
        """What the server has, once all is saved."""
        self.page.wait_for_timeout(50)
        self.saved()
        return self.server.call("GET", f"/api/items/{self.item}/annotations")

    def shapes(self):
        return [one["shape"] for one in self.stored()["annotations"]]

    def empty(self):
        """Take away what the item came with."""
        ids = [one["id"] for one in self.stored()["annotations"]]
        ops = [{"op_id": uuid.uuid4().hex, "kind": "set_state", "label_state": "unlabelled"}]
        if ids:
            ops.insert(0, {"op_id": uuid.uuid4().hex, "kind": "remove", "ids": ids})
        self.server.call("POST", f"/api/items/{self.item}/ops", {"ops": ops})
        self.open()
        return self


@pytest.fixture
def desk(open_page, server, flaws):
    def make(number=0, *, page=None, **options):
        return Desk(server, page or open_page(**options), flaws[0], flaws[1][number])

    return make


def near(value, expected):
    """Within half a screen pixel, where the drawing area may begin."""
    return pytest.approx(expected, abs=0.26) == value


BOX = [(60, 80), (120, 150)]
RING = [(150, 80), (220, 90), (230, 160), (160, 170)]
HOLE = [(175, 105), (205, 110), (200, 145)]
CORNERS = [(260, 300), (60, 310), (70, 200), (250, 190)]


def test_each_shape_is_on_the_server_to_the_pixel_and_undo_survives_a_reload(desk):
    a = desk().empty()
    a.press("b")
    a.drag(*BOX)
    a.press("p")
    a.click(*RING)
    a.press("Enter", "h")
    a.click(*HOLE)
    a.press("f", "q")
    a.click(*CORNERS)

    def check(shapes):
        box, polygon, quad = shapes
        assert near([box["x"], box["y"], box["width"], box["height"]], [60, 80, 60, 70])
        (part,) = polygon["parts"]
        assert len(part["outer"]) == 4
        assert all(near(got, list(put)) for got, put in zip(part["outer"], RING, strict=True))
        assert all(near(got, list(put)) for got, put in zip(part["holes"][0], HOLE, strict=True))
        assert all(near(got, list(put)) for got, put in zip(quad["corners"], CORNERS, strict=True))

    first = a.shapes()
    check(first)
    assert a.stored()["label_state"] == "labelled"

    a.press("Control+z", "Control+z")
    assert [len(shape.get("parts", [{"holes": []}])[0]["holes"]) for shape in a.shapes()] == [0, 0]
    a.page.reload()
    a.ready()
    for left in (1, 0):
        a.press("Control+z")
        a.page.wait_for_timeout(300)
        assert len(a.shapes()) == left
    assert a.page.locator("[data-do=undo]").is_enabled(), "there is what was before the test"
    for _ in range(4):
        a.press("Control+Shift+z")
        a.page.wait_for_timeout(300)
    assert a.shapes() == first
    assert a.page.locator("[data-do=redo]").is_disabled()


def test_moving_shapes_and_points_with_the_mouse(desk):
    a = desk().empty()
    a.press("p")
    a.click(*RING)
    a.click(RING[0])  # the first point closes it
    a.press("v")
    a.drag((190, 130), (180, 140))
    moved = a.shapes()[0]["parts"][0]["outer"]
    assert all(near(got, [x - 10, y + 10]) for got, (x, y) in zip(moved, RING, strict=True))
    a.drag((140, 90), (120, 70))
    assert near(a.shapes()[0]["parts"][0]["outer"][0], [120, 70])
    a.drag((165, 85), (170, 60))  # the middle of the upper side
    assert near(a.shapes()[0]["parts"][0]["outer"][1], [170, 60])
    a.press("Delete")
    assert len(a.shapes()[0]["parts"][0]["outer"]) == 4, "the chosen point goes first"
    a.page.keyboard.down("Shift")
    a.drag((80, 40), (250, 200))
    a.page.keyboard.up("Shift")
    a.press("d")
    assert len(a.shapes()) == 2
    a.press("Delete", "Control+a", "Delete")
    assert a.shapes() == []


def test_everything_without_a_mouse(desk):
    a = desk().empty()
    page = a.page
    page.locator("[data-stage]").focus()
    a.press("b", *["ArrowLeft"] * 5, *["ArrowUp"] * 5, "Enter")
    a.press("Shift+ArrowRight", *["ArrowDown"] * 10, "Enter")
    (box,) = a.shapes()
    assert near([box["x"], box["y"], box["width"], box["height"]], [130, 180, 20, 40])
    a.press("p", "Enter", "Shift+ArrowRight", "Enter", "Shift+ArrowDown", "Enter", "f")
    assert len(a.shapes()[1]["parts"][0]["outer"]) == 3
    a.press("Escape", "Escape", "Shift+3")
    assert a.stored()["annotations"][1]["label"] == "scratch", "of the selection, with the select tool"
    before = a.shapes()[1]["parts"][0]["outer"]
    a.press("e", "ArrowRight", "Shift+ArrowDown")
    after = a.shapes()[1]["parts"][0]["outer"]
    assert after[0] == [pytest.approx(before[0][0] + 1), pytest.approx(before[0][1] + 10)]
    assert after[1:] == before[1:]
    a.press("i")
    assert len(a.shapes()[1]["parts"][0]["outer"]) == 4
    a.press("t")
    page.keyboard.type("sev")  # a select takes the first letters
    page.keyboard.press("Tab")
    page.keyboard.type("12,5")
    page.keyboard.press("Tab")
    page.locator("[data-stage]").focus()
    assert a.stored()["annotations"][1]["attributes"] == {"severity": "severe", "depth_um": 12.5}
    a.press(",", "u")
    assert a.shapes()[0]["type"] == "polygon"
    a.press("?")
    page.get_by_role("dialog", name="Keys").get_by_text("hole in the selected polygon").wait_for()
    page.keyboard.press("Escape")
    a.press("n")
    page.wait_for_url(re.compile(a.dataset))
    page.wait_for_function("id => document.querySelector('.an').dataset.item !== id", arg=a.item)
    page.go_back()
    a.ready()
    assert len(a.shapes()) == 2


def test_points_in_the_order_of_their_names(open_page, server, corners):
    a = Desk(server, open_page(), corners[0], corners[1][0]).empty()
    a.press("k")
    a.page.locator("[data-next]").filter(has_text=re.compile("^Top left$")).wait_for()
    put = [(60, 100), (240, 90), (250, 300), (50, 310)]
    a.click(*put)
    a.click((150, 200))  # a fifth: there is none
    (shape,) = a.shapes()
    assert [point["name"] for point in shape["points"]] == [
        "top_left", "top_right", "bottom_right", "bottom_left",
    ]  # fmt: skip
    assert all(near([p["x"], p["y"]], list(xy)) for p, xy in zip(shape["points"], put, strict=True))
    a.drag(put[2], (230, 280))
    assert near([a.shapes()[0]["points"][2][key] for key in "xy"], [230, 280])
    a.press("v")
    a.click(put[0])
    a.press("x")
    assert a.shapes()[0]["points"][0]["visible"] == 1


def test_layers_change_under_the_shapes_and_zoom_stays(desk):
    a = desk()
    page = a.page
    spot = [a.box["width"] / 2, a.box["height"] / 2]

    def shows(layer, pixel=None):
        """The pixel in the middle; once it is the one awaited, as a layer is drawn a moment after its key."""
        page.locator(f'[data-layer="{layer}"][aria-pressed=true]').wait_for()
        end = time.monotonic() + 10
        while (seen := page.evaluate(PIXEL, spot)) != pixel and pixel and time.monotonic() < end:
            page.wait_for_timeout(50)
        return seen

    page.wait_for_timeout(1500)
    colour = shows("colour")
    page.keyboard.press("3")
    page.wait_for_timeout(500)
    normal = shows("normal")
    assert normal != colour
    assert normal[2] > 200, "a flat card's normal is blue"
    page.keyboard.down("1")
    page.wait_for_timeout(500)
    assert shows("colour", colour) == colour
    page.keyboard.up("1")
    assert shows("normal", normal) == normal, "a held digit was a look"
    page.keyboard.press("l")
    shows("light:1")
    page.wait_for_timeout(600)
    assert f"layer=light:1&at={a.centre[0]}.0,{a.centre[1]}.0,{SCALE}" in page.url
    page.reload()
    a.ready()
    shows("light:1")


def guess(score, x, label="dent"):
    box = {"type": "box", "x": x, "y": 100, "width": 30, "height": 30}
    return {
        "id": uuid.uuid4().hex, "label": label, "shape": box,
        "source": "model", "state": "predicted", "score": score, "model": "first model",
    }  # fmt: skip


def test_suggestions_are_accepted_corrected_and_rejected(desk):
    desk(2).empty()  # an open item to go on to
    a = desk(1).empty()
    page = a.page
    guesses = [guess(0.9, 40), guess(0.7, 90), guess(0.5, 140), guess(0.2, 190, "stain")]
    op = {"op_id": uuid.uuid4().hex, "kind": "add", "annotations": guesses}
    a.server.call("POST", f"/api/items/{a.item}/ops", {"ops": [op]})
    a.open()
    part = page.locator("[data-part=suggestions]")
    assert "4 left" in part.inner_text()
    assert "first model" in part.inner_text()
    page.locator("#an-threshold").fill("0.4")
    assert "3 of 4 left" in part.inner_text()
    page.locator("[data-stage]").focus()
    a.press("a", "a")  # to the first, accepted
    a.drag((105, 115), (105, 135))  # the second is selected by then; moving it corrects it
    a.press("a")  # to the third
    a.press("Enter")
    page.get_by_text("1 suggestion waits.").wait_for()
    a.press("Enter")
    page.wait_for_function("id => document.querySelector('.an').dataset.item !== id", arg=a.item)
    found = {one["id"]: one for one in a.stored()["annotations"]}
    first, second = (found.get(one["id"]) for one in guesses[:2])
    assert (first["state"], first["source"], first["score"]) == ("accepted", "model", 0.9)
    assert (second["state"], second["source"], second["score"]) == ("accepted", "person", None)
    assert near(second["shape"]["y"], 120)
    assert second["model"] == "first model"
    assert len(found) == 2
    assert a.stored()["label_state"] == "labelled"


def test_an_item_without_a_flaw_is_labelled_by_enter(desk):
    a = desk(2).empty()
    a.press("Enter")
    a.saved()
    a.page.wait_for_timeout(300)
    assert a.stored() | {"revision": 0} == {
        "revision": 0, "label_state": "labelled", "annotations": [], "can_undo": True, "can_redo": False,
        "undo": a.stored()["undo"], "redo": None,
    }  # fmt: skip


def test_shapes_of_the_item_before_are_copied(desk):
    a = desk().empty()
    a.press("b")
    a.drag(*BOX)
    first = a.stored()["annotations"][0]
    b = desk(1, page=a.page).empty()
    b.press("c")
    b.page.get_by_text("1 shape copied").wait_for()
    (copy,) = b.stored()["annotations"]
    assert copy["shape"] == first["shape"]
    assert copy["id"] != first["id"]


def test_two_tabs_offline_and_a_closed_tab_lose_nothing(desk):
    a = desk(1).empty()
    context = a.page.context
    b = desk(1, page=context.new_page())
    a.page.bring_to_front()
    a.press("b")
    a.drag((40, 60), (60, 80))
    a.saved()
    b.page.wait_for_function("() => document.querySelectorAll('[data-shape]').length === 1")

    b.page.bring_to_front()
    b.page.route("**/api/items/*/ops", lambda route: route.abort())
    b.press("b")
    b.drag((100, 60), (120, 80))
    b.page.get_by_text("Offline, 1 waiting").wait_for()
    a.page.bring_to_front()
    a.drag((40, 160), (60, 180))
    a.saved()
    b.page.unroute("**/api/items/*/ops")
    b.page.get_by_text("changed in another tab").wait_for()
    assert len(b.shapes()) == 3
    b.page.wait_for_function("() => document.querySelectorAll('[data-shape]').length === 3")

    b.page.route("**/api/items/*/ops", lambda route: route.abort())
    b.drag((100, 160), (120, 180))
    b.page.get_by_text("Offline, 1 waiting").wait_for()
    b.page.close()
    assert len(a.shapes()) == 3
    c = desk(0, page=context.new_page())  # wherever the annotator opens next
    c.saved()
    a.page.wait_for_function("() => document.querySelectorAll('[data-shape]').length === 4")
    assert len(a.shapes()) == 4


@pytest.fixture
def phone(desk):
    return desk(1, width=390, height=844, has_touch=True, is_mobile=True)


def test_fingers_draw_and_two_of_them_zoom(phone):
    a = phone.empty()
    a.centre = (150, 200)
    send = a.page.context.new_cdp_session(a.page).send

    def touch(kind, *points):
        spots = [dict(zip("xy", a.at(*point), strict=True)) | {"id": i} for i, point in enumerate(points)]
        send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": spots})

    def swipe(*points):
        touch("touchStart", points[0])
        for point in points[1:]:
            touch("touchMove", point)
        a.page.wait_for_timeout(
            300
        )  # a finger that is lifted in full flight flings, and swallows the next tap
        touch("touchEnd")

    a.page.locator("[data-tool=box]").tap()
    swipe((120, 160), (130, 170), (150, 190), (170, 220))
    (box,) = a.shapes()
    assert near([box["x"], box["y"], box["width"], box["height"]], [120, 160, 50, 60])
    a.page.locator("[data-tool=polygon]").tap()
    for point in ((110, 240), (180, 240), (150, 280)):
        touch("touchStart", point)
        touch("touchEnd")
        a.page.wait_for_timeout(380)
    a.page.locator("[data-do=finish]").tap()
    assert [[round(x), round(y)] for x, y in a.shapes()[1]["parts"][0]["outer"]] == [
        [110, 240], [180, 240], [150, 280],
    ]  # fmt: skip
    touch("touchStart", (140, 190))
    touch("touchStart", (140, 190), (160, 210))
    for by in range(1, 11):
        touch("touchMove", (140 - 2 * by, 190 - 2 * by), (160 + 2 * by, 210 + 2 * by))
    touch("touchEnd")
    a.page.wait_for_timeout(800)
    assert len(a.shapes()) == 2, "a pinch draws nothing"
    scale = float(re.search(r"at=[\d.]+,[\d.]+,([\d.]+)", a.page.url)[1])
    assert scale == pytest.approx(SCALE * 3, rel=0.05)
    a.page.locator("[data-tool=select]").tap()
    a.page.locator("[data-do=panel]").tap()
    assert a.page.locator("[data-class=dent]").is_visible()


def test_five_thousand_shapes_are_drawn_as_one_and_each_can_be_taken(desk):
    a = desk(1).empty()
    shapes = []
    for number in range(5000):
        x, y = 10 + 3 * (number % 90), 20 + 6 * (number // 90)
        box = {"type": "box", "x": x, "y": y, "width": 2, "height": 4}
        shapes.append({"id": f"{number:032x}", "label": "dent", "shape": box})
    op = {"op_id": uuid.uuid4().hex, "kind": "add", "annotations": shapes}
    a.server.call("POST", f"/api/items/{a.item}/ops", {"ops": [op]})
    a.open()
    a.page.get_by_text("5000", exact=True).first.wait_for()
    assert a.page.locator("[data-shapes] canvas").count() == 3
    assert a.page.locator("[data-shape]").count() < 30, "the list makes what is seen"
    x, y = 10 + 3 * 47, 20 + 6 * 30
    a.click((x + 1, y + 2))
    a.page.wait_for_url(re.compile(f"shape={30 * 90 + 47:032x}"))
    a.press("Delete")
    assert len(a.shapes()) == 4999
    a.empty()


def _later(page):
    page.wait_for_timeout(600)  # the address follows with a delay
    return page.url


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_annotator_is_accessible_and_fits(open_page, server, flaws, width, height):
    page = open_page(width=width, height=height, bypass_csp=True)
    wrong = []
    for path in ("/annotate/", f"/annotate/{flaws[0]}/{flaws[1][0]}"):
        page.goto(path)
        page.wait_for_timeout(1200)
        for key in ("", ".", "?"):
            if key:
                page.keyboard.press(key)
                page.wait_for_timeout(200)
            wrong += complaints(page, f"{path} {key}")
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{path}: wider than {width}")
    assert wrong == []


def test_the_page_loads_little(desk):
    a = desk()
    names = a.page.evaluate("performance.getEntriesByType('resource').map((e) => e.name)")
    scripts = sorted({name for name in names if name.endswith(".js")})
    assert any("app-" in name for name in scripts)
    total = sum(len(gzip.compress((bundle.DIST / name.rsplit("/", 1)[1]).read_bytes())) for name in scripts)
    assert total <= PAYLOAD_KIB * 1024, f"{total / 1024:.0f} KiB in {len(scripts)} scripts"
