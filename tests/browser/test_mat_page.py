"""The mat's page in a browser: the sheet is seen, the bar is kept and forgotten, and the page accessible."""

import pytest
from accessible import complaints

pytestmark = pytest.mark.browser


def test_a_measured_bar_is_kept_and_forgotten(open_page, server):
    page = open_page()
    page.goto("/capture/mat")
    assert page.evaluate("document.querySelector('.mat-sheet').naturalWidth") > 0, "the preview is drawn"
    page.get_by_label("Length of the 100 mm bar").fill("97.0")
    page.get_by_role("button", name="Keep").click()
    page.get_by_text("printed at 97.0").wait_for()
    assert server.call("GET", "/api/mat/print")["scale"] == pytest.approx(0.97)
    page.get_by_role("button", name="Printed anew: forget").click()
    page.get_by_text("not measured", exact=True).wait_for()
    assert server.call("GET", "/api/mat/print")["bar_mm"] is None


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (360, 760)])
def test_the_page_is_accessible_and_fits(open_page, width, height):
    page = open_page(width=width, height=height, bypass_csp=True)
    page.goto("/capture/mat?paper=letter")
    page.wait_for_timeout(300)
    assert complaints(page, "the mat") == []
    assert page.evaluate("document.documentElement.scrollWidth") <= width
