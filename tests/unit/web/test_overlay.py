import pytest
from handmade_report import make_report

from rcg.grading.schema import Finding
from rcg.web.grade import overlay


def finding(polygon):
    return Finding(id=1, kind="dent", polygon_mm=polygon, size_mm=1, confidence=1, aspect="surface")


def test_card_coordinates_are_drawn_y_down():
    assert overlay.path([(1, 2), (3, -4)]) == "M1 -2L3 4"


def test_a_layer_is_centred_on_the_card():
    assert overlay.image_box(1380, 1880, 20).view == "-34.500 -47.000 69.000 94.000"


def test_ticks_run_from_the_cut_to_the_print_and_name_their_width():
    drawn = overlay.ticks(make_report().sides.front)
    top = next(tick for tick in drawn if tick.edge == "top")
    assert (top.outer[1], top.inner[1]) == (-44, -41)
    assert top.label[1] < top.outer[1], "the label stands outside the card"
    assert top.text == "2.50"
    assert "± 0.010 mm" in top.title


def test_print_edges_join_measured_points_in_order():
    left, *_ = overlay.print_edges(make_report().sides.front.centering.stations)
    ys = [float(point.split()[1]) for point in left[1:].split("L")]
    assert ys == sorted(ys, reverse=True)
    assert len(ys) == 6, "the one that was not measurable is left out"


@pytest.mark.parametrize("centre", [(0, 0), (31, 43.5), (-31, -43.5)])
def test_a_close_up_holds_the_finding_and_stays_in_the_picture(centre):
    x, y = centre
    within = overlay.Box(-34.5, -47, 69, 94)
    crop = overlay.crop(finding([(x - 0.2, y - 0.1), (x + 0.2, y - 0.1), (x, y + 0.1)]), within)
    assert crop.width == crop.height == overlay.CROP_MIN_MM
    assert within.x <= crop.x <= x <= crop.x + crop.width <= within.x + within.width
    assert within.y <= crop.y <= -y <= crop.y + crop.height <= within.y + within.height
