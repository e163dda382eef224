"""The grade as JSON: one schema for the command line, REST, the report page and the truth of rendered cards.

Units: millimetres in the card's coordinates (x right, y up, origin at the centre), degrees, percent, and
grades in the standard's own steps. No time, path or host stands here: the same input gives the same bytes.
"""

from __future__ import annotations

from typing import Annotated, Literal

from pydantic import BaseModel, ConfigDict, Field

SCHEMA_VERSION = "1"

Edge = Literal["left", "right", "top", "bottom"]
Corner = Literal["top_left", "top_right", "bottom_right", "bottom_left"]
SideName = Literal["front", "back"]
Aspect = Literal["centering", "corners", "edges", "surface"]
Point = tuple[float, float]
Pair = Annotated[
    tuple[float, float], Field(description="[left, right] or [top, bottom] in percent; sums to 100")
]


class Model(BaseModel):
    """Base of every part: unknown keys are errors, so a typo in a file is found."""

    model_config = ConfigDict(extra="forbid")


class CardGeometry(Model):
    """The card as found and sized."""

    width_mm: float
    height_mm: float
    size_source: Literal["scale", "chosen", "default"] = Field(
        description="scale: measured; chosen: the user named the size; default: 63 x 88 mm assumed"
    )
    corners_px: list[Point] = Field(
        description="top left, top right, bottom right, bottom left, reference frame pixels"
    )
    corner_sd_px: float | None = None


class Station(Model):
    """One border width, measured along the inward normal of the physical edge."""

    edge: Edge
    position: float = Field(
        description="percent of the straight half span, -90..90; left/right run bottom to top, "
        "top/bottom left to right"
    )
    width_mm: float | None
    se_mm: float | None = Field(description="standard error of width_mm")
    shared_se_mm: float | None = Field(
        default=None, description="the part of se_mm that all stations of this edge share"
    )
    status: Literal["measured", "not_measurable"]
    reason: str | None = Field(default=None, description="why it is not measurable")
    outer_mm: Point | None = Field(default=None, description="the point on the card's edge")
    inner_mm: Point | None = Field(default=None, description="the point on the print's edge")


class Ratio(Model):
    """Border shares of one axis. `worst` is the station pair furthest from 50/50."""

    mean: Pair
    worst: Pair
    mean_se: float | None = Field(default=None, description="standard error of mean[0], percent points")


class PrintEdge(Model):
    """What the stations of one edge were measured to."""

    edge: Edge
    status: Literal["measured", "not_measurable"]
    reason: str | None = None
    feature: Literal["art", "line", "none"] = Field(
        description="art: the border's end; line: a thin frame behind which the border's colour returns"
    )
    cut: Literal["measured", "outline"] = Field(
        description="measured: the physical edge was refitted on the maps; "
        "outline: the card finder's edge was used"
    )
    contrast: float | None = Field(default=None, description="colour step across the print edge, CIE Lab")
    support: float | None = Field(
        default=None, description="share of the side along which the line is seen, 0..1"
    )
    wander: float | None = Field(default=None, description="scatter about the line as a share of the width")


class Centering(Model):
    """24 stations and what follows from them. None where an axis could not be measured."""

    stations: list[Station]
    print_edges: list[PrintEdge] = []
    left_right: Ratio | None
    top_bottom: Ratio | None
    tilt_deg: float | None = Field(
        description="rotation of the print against the cut, counter-clockwise positive"
    )
    diamond_deg: float | None = Field(
        default=None, description="worst departure of the cut's corners from 90 degrees"
    )


class CornerMeasure(Model):
    """One corner: what is missing from, or worn at, its ideal shape."""

    corner: Corner
    radius_mm: float | None
    missing_area_mm2: float | None = Field(description="area of the ideal rounded corner that is not card")
    whitening_mm2: float | None = Field(
        description="area near the tip where the print has turned to bare stock"
    )
    status: Literal["measured", "not_measurable"]
    reason: str | None = None


class EdgeMeasure(Model):
    """One edge: roughness and whitening along the straight span."""

    edge: Edge
    roughness_um: float | None = Field(description="RMS departure of the edge from its fitted curve")
    whitening_mm2: float | None
    status: Literal["measured", "not_measurable"]
    reason: str | None = None


class SurfaceMeasure(Model):
    """What the relief shows in the surface inside the borders."""

    relief_measured: bool
    coverage: float | None = Field(description="share of the card's area with usable relief, 0..1")
    noisy: float | None = Field(
        default=None,
        description="share of the area too noisy (foil, dark ink) to show fine scratches, 0..1",
    )
    reason: str | None = None


class Finding(Model):
    """One flaw, with where it is, how big, and what it costs."""

    id: int = Field(description="1-based within the side, in order of cost")
    kind: str = Field(description="scratch, dent, bump, crease, corner_wear, edge_wear, relief_anomaly, ...")
    polygon_mm: list[Point]
    size_mm: float = Field(description="longest extent")
    size_se_mm: float | None = Field(default=None, description="standard error of size_mm")
    area_mm2: float | None = None
    area_se_mm2: float | None = Field(default=None, description="standard error of area_mm2")
    relief_um: float | None = Field(
        default=None, description="peak-to-valley of the height map in the polygon, relative to its surround"
    )
    confidence: float = Field(ge=0, le=1)
    aspect: Aspect
    model: str | None = Field(
        default=None, description="name of the model that found it; null: RCG's own measurement did"
    )
    seen_by: list[str] = Field(
        default=[], description="names of the models that see the same flaw; it costs once"
    )
    rule: str | None = Field(default=None, description="id of the rule that it costs under in RCG's rubric")
    cost: float | None = Field(default=None, description="points of 1000 taken from its sub-grade")


class LightsUsed(Model):
    """The lights the relief rests on."""

    count: int
    source: Literal["lp", "rig", "azimuth"]
    calibrated: bool
    near: bool = False
    assumed_elevation_deg: float | None = None
    rig: str | None = Field(default=None, description="name of the rig whose calibration was used")
    measured_by: Literal["ball", "ring"] | None = Field(
        default=None, description="ball: mirror images on a ball; ring: refined on a white card; null: told"
    )
    measured_on: str | None = Field(default=None, description="day of that measurement")
    flat_field: Literal["measured", "card"] = Field(
        default="card",
        description="measured: on a white card, stored with the rig; card: estimated from the card itself",
    )
    flat_field_on: str | None = Field(default=None, description="day of the flat field's measurement")


class FrameUsed(Model):
    """One frame: which light, its bytes, how well it was registered."""

    light: str
    sha256: str
    width_px: int
    height_px: int
    bits: int
    shift_px: float | None = None
    residual_px: float | None = None


class SubScore(Model):
    """A sub-grade of RCG's rubric for one aspect of one side."""

    aspect: Aspect
    score: float | None = Field(description="0..1000, None when it was not measured")
    low: float | None = None
    high: float | None = None
    limiting_finding: int | None = Field(default=None, description="id of the finding that costs most")
    reason: str | None = Field(default=None, description="why there is no score, or what limits it")


class Side(Model):
    """One side: geometry, measurements, findings, sub-scores, and what was not measured."""

    card: CardGeometry
    frames: list[FrameUsed] = []
    lights: LightsUsed | None = None
    relief_measured: bool
    centering: Centering
    corners: list[CornerMeasure] = []
    edges: list[EdgeMeasure] = []
    surface: SurfaceMeasure | None = None
    findings: list[Finding] = []
    sub_scores: list[SubScore] = []
    warnings: list[str] = []
    notes: list[str] = Field(
        default=[], description="how the frames were brought together, and what that leaves less sure"
    )
    not_measured: list[str] = []


class Limit(Model):
    """What keeps a grade from being higher, in words with figures."""

    side: SideName | None = None
    aspect: Aspect
    text: str


class StandardGrade(Model):
    """One standard applied. A ceiling comes from centering alone; only RCG's rubric gives an overall."""

    standard: str = Field(description="psa, bgs, cgc, sgc, tag_tcg, tag_sports, rcg")
    title: str
    kind: Literal["centering_ceiling", "overall"]
    grade: str | None = Field(description="in the standard's own words, None when it cannot be told")
    value: float | None = Field(default=None, description="the numeric step, for sorting")
    low: str | None = Field(default=None, description="5 % point under resampling of the standard errors")
    high: str | None = Field(default=None, description="95 % point")
    score: float | None = Field(default=None, description="0..1000 where the standard has such a scale")
    score_low: float | None = None
    score_high: float | None = None
    limits: list[Limit] = []
    not_measured: list[str] = []
    provenance: str
    checked: str | None = Field(
        default=None, description="date on which the table was last compared with its source"
    )
    validation: str = "not validated against graded cards"


class Grades(Model):
    """Every standard applied to this card."""

    overall: StandardGrade | None = Field(description="RCG's rubric; None when too little was measured")
    overall_reason: str | None = Field(default=None, description="why there is no overall grade")
    standards: list[StandardGrade]


class ModelUsed(Model):
    """A model that looked at the card."""

    name: str
    architecture: str
    weights: str = Field(description="SHA-256 of its weights")


class Versions(Model):
    """What computed this report."""

    rcg: str
    schema_: str = Field(alias="schema", default=SCHEMA_VERSION)
    algorithm: str
    standards: str = Field(description="hash of the standards' data")
    models: list[ModelUsed] = Field(default=[], description="in the order in which they were asked")

    model_config = ConfigDict(extra="forbid", populate_by_name=True)


class CardHeader(Model):
    """What the user said of the card."""

    name: str | None = None
    set_name: str | None = None
    width_mm: float
    height_mm: float
    size_source: Literal["scale", "chosen", "default"]


class Sides(Model):
    """The sides that were captured."""

    front: Side | None = None
    back: Side | None = None


class GradeReport(Model):
    """The whole report."""

    card: CardHeader
    sides: Sides
    grades: Grades
    versions: Versions
