"""The pages of rigs, as axe-core and narrow screens see them."""

import pytest
from accessible import walk

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
    assert walk(page, paths) == []
