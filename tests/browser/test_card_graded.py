"""What a newcomer does: sign in, see a sample card graded, drop photographs, look."""

import re

import pytest
from PIL import Image, ImageDraw

pytestmark = pytest.mark.browser
GRADING_MS = 240_000
HALVES = """() => {
  const source = document.querySelector("[data-stage=front] [data-relight]");
  const small = document.createElement("canvas");
  [small.width, small.height] = [2, 1];
  const pen = small.getContext("2d");
  pen.imageSmoothingQuality = "high";
  pen.drawImage(source, 0, 0, 2, 1);
  const d = pen.getImageData(0, 0, 2, 1).data;
  return [d[0] + d[1] + d[2], d[4] + d[5] + d[6]];
}"""


def test_strangers_are_asked_to_sign_in_and_come_back(open_page, server):
    page = open_page(signed_in=False)
    page.goto("/jobs")
    page.wait_for_url(re.compile("/sign-in"))
    link = server.link()
    page.get_by_label("Then open the link here").fill("not a link")
    page.get_by_role("button", name="Sign in").click()
    assert "no sign-in link" in page.locator("#link-error").inner_text()
    page.get_by_label("Then open the link here").fill(link)
    page.get_by_role("button", name="Sign in").click()
    page.wait_for_url(server.url + "/jobs")

    second = open_page(signed_in=False, strict=False)
    second.goto(link)
    second.get_by_text("used already").wait_for()
    assert "#" not in second.url, "the secret does not stay in the address"
    assert second.get_by_text("rcg link").count() == 1


def test_a_sample_card_from_the_empty_dashboard_to_its_report(open_page, server):
    page = open_page()
    page.get_by_text("Grade your first card").wait_for()
    page.get_by_role("button", name="Render a sample card").click()
    page.locator("#dashboard-jobs [data-job]").wait_for()
    page.wait_for_url(re.compile("/grade/reports/"), timeout=GRADING_MS)
    assert re.fullmatch(r"\d+(\.5)?", page.locator(".figure-large").inner_text())
    assert page.get_by_text("not validated against graded cards").first.is_visible()
    assert page.locator("[data-stage=front] .tick").count() > 0

    image = page.locator("[data-stage=front] [data-image]")
    page.wait_for_function("image => image.complete && image.naturalWidth > 1000", arg=image.element_handle())
    page.keyboard.press("3")
    assert page.url.endswith("layer=normal")
    assert image.get_attribute("src").endswith("/normal")
    page.get_by_role("button", name="Back", exact=True).click()
    assert "side=back" in page.url
    assert page.locator("[data-part=back]").first.is_visible()
    page.reload()
    assert page.locator("[data-stage=back]").is_visible(), "the side stands in the address"


def test_relighting_draws_the_card_from_its_normals(open_page, graded):
    page = open_page()
    page.goto(f"/grade/reports/{graded}")
    box = page.locator("[data-viewer]").bounding_box()

    def mean_left_and_right():
        return page.evaluate(HALVES)

    page.mouse.move(box["x"] + box["width"] * 0.2, box["y"] + box["height"] / 2)
    page.keyboard.down("r")
    page.locator("[data-stage=front] [data-relight]").wait_for(state="visible", timeout=30_000)
    page.mouse.move(box["x"] + box["width"] * 0.3, box["y"] + box["height"] / 2)
    lit_left = mean_left_and_right()
    page.mouse.move(box["x"] + box["width"] * 0.7, box["y"] + box["height"] / 2)
    lit_right = mean_left_and_right()
    page.keyboard.up("r")
    page.locator("[data-stage=front] [data-relight]").wait_for(state="hidden")
    assert lit_left[0] / lit_left[1] > lit_right[0] / lit_right[1], (
        "the side near the light is the brighter one"
    )


def test_photographs_dropped_on_the_page_become_a_graded_card(open_page, server, tmp_path):
    page = open_page()
    page.goto("/grade/")
    page.locator("#drop-card").set_input_files(_photograph(tmp_path / "Test dragon_up.png"))
    page.wait_for_url(re.compile("/grade/cards/"))
    assert page.locator("#card-name").input_value() == "Test dragon"
    assert page.get_by_text("lit from above").is_visible()
    assert page.get_by_text("One photograph").is_visible()

    page.locator("#card-name").fill("Red dragon")
    page.locator("#card-name").press("Enter")
    page.get_by_text("Saved").wait_for()
    page.locator("#drop-back").set_input_files(
        {"name": "notes.txt", "mimeType": "text/plain", "buffer": b"no card"}
    )
    page.get_by_text("None of these files is a photograph").wait_for()

    page.locator("[data-grade]").click()
    page.wait_for_url(re.compile("/grade/reports/"), timeout=GRADING_MS)
    page.get_by_text("No overall grade").wait_for()
    assert page.get_by_role("heading", name="Red dragon").is_visible()
    assert "/" in page.locator("tr", has_text="Left / right").first.inner_text()


def test_a_broken_photograph_is_refused_by_name_and_nothing_breaks(open_page, server):
    page = open_page(strict=False)  # the browser itself complains about a picture it cannot show
    card = server.call("POST", "/api/cards", {"name": "Broken"})
    page.goto(f"/grade/cards/{card['id']}")
    page.locator("#drop-front").set_input_files(
        {"name": "up.jpg", "mimeType": "image/jpeg", "buffer": b"this is no JPEG"}
    )
    error = page.locator(".files .error")
    error.wait_for()
    assert "up.jpg" in error.inner_text()
    assert page.locator("[data-grade]").is_disabled()


def _photograph(path):
    """One card on a dark table: white border 3 mm left and right, 4 mm top and bottom, 12 px per mm."""
    scale, width, height = 12, 63 * 12, 88 * 12
    picture = Image.new("RGB", (1100, 1400), (38, 40, 42))
    pen = ImageDraw.Draw(picture)
    x, y = (1100 - width) // 2, (1400 - height) // 2
    pen.rounded_rectangle((x, y, x + width, y + height), 3 * scale, fill=(236, 234, 228))
    pen.rectangle(
        (x + 3 * scale, y + 4 * scale, x + width - 3 * scale, y + height - 4 * scale), fill=(172, 44, 38)
    )
    picture.save(path)
    return path
