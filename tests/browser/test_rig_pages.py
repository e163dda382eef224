"""The pages of rigs, as axe-core and narrow screens see them."""

import pytest
from accessible import complaints

pytestmark = pytest.mark.browser


@pytest.mark.parametrize(("width", "height"), [(1440, 900), (390, 844)])
def test_the_pages_of_rigs_are_accessible_and_fit(open_page, rig, width, height):
    rigs = [
        rig("screen"),
        rig("manual", lights={"kind": "named"}),
        rig("wled", config={"url": "http://ring.local"}),
    ]
    paths = ["/capture/rigs", *(f"/capture/rigs/{each['id']}" for each in rigs)]
    paths += [f"/capture/rigs/new?driver={name}" for name in ("manual", "screen", "wled", "serial", "sim")]
    paths.append(f"/capture/light/{rigs[0]['id']}")
    page = open_page(width=width, height=height, bypass_csp=True)
    wrong = []
    for path in paths:
        page.goto(path)
        page.wait_for_timeout(300)
        wrong += complaints(page, path)
        if page.evaluate("document.documentElement.scrollWidth") > width:
            wrong.append(f"{path}: wider than {width}")
    assert wrong == []
