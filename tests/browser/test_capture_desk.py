"""What a phone and its desk do without a light in time: pairing, trust, files of a folder or a camera app."""

import hashlib
import io
import ssl

import pytest
from phone_rig import WANTED, check_lights, four_lights, session_of, until
from PIL import Image

pytestmark = pytest.mark.browser


@pytest.mark.parametrize("way", ["code", "digits"])
def test_a_phone_is_paired_from_the_desk_and_may_not_do_more(own, phone, plain, way):
    desk = phone(own, plain).page
    desk.goto("/capture/desk")
    desk.get_by_role("button", name="Pair a phone").click()
    desk.get_by_text("Waiting for the phone.").wait_for()
    digits = desk.locator("[data-link]").inner_text().rsplit("code ", 1)[1]
    device = phone(own, plain, "other", signed_in=False)
    if way == "code":
        device.page.goto(desk.locator("[data-code]").get_attribute("data-url"))
    else:
        device.page.goto("/capture/")
        device.page.get_by_label("Code").fill("000 000" if digits != "000 000" else "111 111")
        device.page.get_by_role("button", name="Pair").click()
        device.page.get_by_text("This code does not pair").wait_for()
        device.page.get_by_label("Code").fill(digits)
        device.page.get_by_role("button", name="Pair").click()
    device.page.locator("body[data-ready]").wait_for()
    desk.get_by_text("Paired: Chrome on Linux.").wait_for()
    assert "#" not in device.page.url
    assert device.page.goto("/settings").status == 403
    desk.goto("/settings")
    row = desk.locator("[data-island=sessions] tr", has_text="phone")
    row.get_by_role("button", name="Sign out").click()
    row.wait_for(state="detached")
    device.page.goto("/capture/")
    device.page.wait_for_url("**/pair?next=**")


def test_the_authority_is_offered_with_its_fingerprint(own, phone, plain):
    device = phone(own, plain, signed_in=False)
    device.page.goto("/certificate")
    shown = device.page.locator("[data-fingerprint]").inner_text()
    pem = (own.home / "certs" / "rcg-ca.pem").read_text()
    der = ssl.PEM_cert_to_DER_cert(pem)
    assert shown == hashlib.sha256(der).digest().hex(":").upper()
    with device.page.expect_download() as download:
        device.page.get_by_role("link", name="Get the certificate").click()
    assert download.value.path().read_bytes() == der
    assert download.value.suggested_filename == "rcg-ca.crt"


def test_the_camera_can_be_put_on_the_home_screen(own, phone, plain):
    device = phone(own, plain)
    device.page.evaluate("navigator.serviceWorker.ready.then(() => true)")
    tools = device.context.new_cdp_session(device.page)
    assert tools.send("Page.getInstallabilityErrors")["installabilityErrors"] == []
    manifest = tools.send("Page.getAppManifest")
    assert manifest["errors"] == []
    assert manifest["url"].endswith("/capture/manifest.webmanifest")


def test_a_warning_that_was_tapped_away_is_explained(own, phone, plain):
    device = phone(own, plain, trusted=False)
    device.page.get_by_text("This phone does not trust RCG's certificate").wait_for()
    device.page.get_by_role("link", name="How to trust it").click()
    device.page.get_by_role("heading", name="Trust this server, once").wait_for()


def test_photographs_of_the_camera_app_are_taken_and_marked(own, phone, plain):
    device = phone(own, plain)
    device.context.add_init_script("navigator.mediaDevices.getUserMedia = () => "
                                   "Promise.reject(new DOMException('no', 'NotAllowedError'));")  # fmt: skip
    page = device.page
    page.goto("/capture/")
    page.locator("body[data-ready]").wait_for()
    page.get_by_label("Card", exact=True).fill("By hand")
    page.get_by_label("Front", exact=True).check()
    page.get_by_label("Lights").select_option(label="bars (Simulated)")
    page.get_by_role("button", name="Begin").click()
    page.get_by_text("The camera is not allowed for this page.").first.wait_for()
    page.get_by_role("button", name="Use the camera app").click()
    page.locator("[data-go]").click()
    for light in WANTED:
        page.get_by_text("The lights are off." if light == "ambient" else f"Light {light} is on.").wait_for()
        file = io.BytesIO()
        Image.fromarray(plain.frames[light]).save(file, "JPEG", quality=95)
        with page.expect_file_chooser() as chooser:
            page.locator("[data-go]").click()
        chooser.value.set_files({"name": "IMG.jpg", "mimeType": "image/jpeg", "buffer": file.getvalue()})
    page.get_by_role("heading", name="By hand is taken").wait_for(timeout=60_000)
    session = session_of(own)
    assert (session["mode"], session["photometric"]) == ("file", False)
    check_lights(own, plain, session["frames"])


def test_the_desk_takes_frames_of_a_folder(own, phone, plain):
    from rcg.web import bundle

    four_lights(own)
    wanted = WANTED[:5]
    desk = phone(own, plain, bypass_csp=True).page
    desk.set_viewport_size({"width": 1440, "height": 900})
    desk.goto("/capture/desk")
    desk.get_by_label("Card", exact=True).fill("Tethered")
    desk.get_by_label("Front and back", exact=True).check()
    desk.get_by_label("Lights").select_option(label="four (Simulated)")
    desk.get_by_role("button", name="Begin").click()
    desk.get_by_role("button", name="Watch the folder").click()
    folder = own.home / "data" / "incoming"
    for side in ("front", "back"):
        for light in wanted:
            words = "No light is on: release" if light == "ambient" else f"Light {light} is on: release"
            desk.locator("[data-watch-says]", has_text=words).wait_for()
            picture = Image.fromarray(plain.frames[light])
            picture.putpixel((0, 0), (0, 0, len(side)))
            picture.save(folder / f"{side}-{light}.png")
        if side == "front":
            desk.locator("[data-watch-says]", has_text="turn the card over").wait_for()
            desk.evaluate((bundle.FRONTEND / "node_modules" / "axe-core" / "axe.min.js").read_text("utf-8"))
            found = desk.evaluate("axe.run(document, {resultTypes: ['violations']})")["violations"]
            assert [each["id"] for each in found] == []
            desk.get_by_role("button", name="The card is turned over").click()
    desk.get_by_text("Every frame is here.").first.wait_for()
    session = session_of(own)
    assert (session["mode"], session["photometric"], set(session["captures"])) == (
        "folder", True, {"front", "back"},
    )  # fmt: skip
    assert len(list(folder.iterdir())) == len(session["frames"]) == 2 * len(wanted)
    until(lambda: all(frame["thumbnail_url"] for frame in session_of(own)["frames"]))
    desk.locator("[data-frames] img").nth(len(wanted) - 1).wait_for()
