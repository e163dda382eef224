"""Where a rig's lights are, how bright they are, and how evenly they shine: measured from photographs.

Three ways, each a function on linear pictures: a shiny ball (:func:`measure_ball`), a matte white card
(:func:`measure_flat`), and a ring or list of lights refined on such a card (:func:`refine_lights`). What they
find is written as a ``.lp`` file or as a rig file (:mod:`rcg.photometric.light_text`).

>>> from rcg.photometric.calibrate import BallOptions, measure_ball
>>> found = measure_ball([sets_of_frames], BallOptions())  # doctest: +SKIP
>>> found.lights[0].direction, found.lights[0].se_deg  # doctest: +SKIP
"""

from rcg.photometric.calibrate.ball import BallOptions, BallResult, measure_ball
from rcg.photometric.calibrate.card_reading import CardPlace, CardReading, read_card
from rcg.photometric.calibrate.errors import CalibrationError
from rcg.photometric.calibrate.flat import FlatResult, fit_flat, measure_flat
from rcg.photometric.calibrate.refine import RefineResult, refine_lights

__all__ = [
    "BallOptions",
    "BallResult",
    "CalibrationError",
    "CardPlace",
    "CardReading",
    "FlatResult",
    "RefineResult",
    "fit_flat",
    "measure_ball",
    "measure_flat",
    "read_card",
    "refine_lights",
]
