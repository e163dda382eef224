"""A report written by hand, and a card that has it."""

from rcg.grading import schema
from rcg.store.models import Job
from rcg.store.repositories import blobs, captures, cards, grades


def make_report(*, overall=True):
    """A front side of 63 x 88 mm: one finding, one station of 24 not measurable, names that want escaping."""
    stations = []
    for edge, count in (("left", 7), ("right", 7), ("top", 5), ("bottom", 5)):
        for index in range(count):
            position = -90 + 180 * index / (count - 1)
            stations.append(_station(edge, position))
    stations[0] = schema.Station(
        edge="left",
        position=-90,
        width_mm=None,
        se_mm=None,
        status="not_measurable",
        reason="no print edge within 8 mm",
    )
    centering = schema.Centering(
        stations=stations,
        left_right=schema.Ratio(mean=(51.24, 48.76), worst=(52, 48), mean_se=0.1),
        top_bottom=None,
        tilt_deg=-0.25,
    )
    finding = schema.Finding(
        id=1,
        kind="scratch",
        polygon_mm=[(10, 20), (12, 20), (12, 21), (10, 21)],
        size_mm=2.24,
        area_mm2=2,
        relief_um=-3.1,
        confidence=0.9,
        aspect="surface",
        rule="RCG-S1",
        cost=87,
    )
    side = schema.Side(
        card=schema.CardGeometry(
            width_mm=63, height_mm=88, size_source="chosen", corners_px=[(0, 0), (9, 0), (9, 9), (0, 9)]
        ),
        frames=[
            schema.FrameUsed(
                light="up", sha256="a" * 64, width_px=4000, height_px=3000, bits=8, residual_px=0.041
            )
        ],
        lights=schema.LightsUsed(count=4, source="azimuth", calibrated=False, assumed_elevation_deg=45),
        relief_measured=True,
        centering=centering,
        findings=[finding],
        warnings=["Elevation was assumed."],
        not_measured=["back side"],
        sub_scores=[
            schema.SubScore(aspect="surface", score=884, low=870, high=900, limiting_finding=1),
            schema.SubScore(aspect="centering", score=None, reason="top and bottom were not measurable"),
        ],
    )
    rcg = schema.StandardGrade(
        standard="rcg",
        title="RCG",
        kind="overall",
        grade="8.5",
        low="8",
        high="9",
        score=884,
        score_low=870,
        score_high=900,
        limits=[schema.Limit(side="front", aspect="surface", text="a scratch holds it")],
        provenance="RCG's own rubric",
    )
    psa = schema.StandardGrade(
        standard="psa",
        title="PSA",
        kind="centering_ceiling",
        grade="10",
        provenance="table of the grader",
        checked="2026-11-01",
    )
    return schema.GradeReport(
        card=schema.CardHeader(name="<b>Bold</b> dragon", width_mm=63, height_mm=88, size_source="chosen"),
        sides=schema.Sides(front=side),
        grades=schema.Grades(
            overall=rcg if overall else None,
            overall_reason=None if overall else "Relief was not measured.",
            standards=[psa],
        ),
        versions=schema.Versions(rcg="0.1.0", algorithm="1", standards="f" * 64),
    )


def _station(edge, position):
    along = position / 100 * (44 if edge in {"left", "right"} else 31.5)
    outer = {"left": (-31.5, along), "right": (31.5, along), "top": (along, 44), "bottom": (along, -44)}[edge]
    inner = {"left": (-29, along), "right": (29, along), "top": (along, 41), "bottom": (along, -41)}[edge]
    return schema.Station(
        edge=edge,
        position=position,
        width_mm=2.5,
        se_mm=0.01,
        status="measured",
        outer_mm=outer,
        inner_mm=inner,
    )


def add_graded(container, report):
    stored = container.blobs.add(report.model_dump_json(by_alias=True).encode())
    picture = container.blobs.add(b"RIFF a picture")
    with container.db.write() as session:
        blobs.ensure(session, stored, "application/json")
        blobs.ensure(session, picture, "image/webp")
        card = cards.add(session, name=report.card.name, set_name="First set")
        capture = captures.add(session, card, "front")
        captures.put_frame(session, capture, light="up", sha256=picture.sha256, file_name="card_up.jpg")
        job = Job(kind="grade", title="Grade the dragon", subject=f"card:{card.id}", spec={}, state="done")
        session.add(job)
        session.flush()
        layers = [
            grades.NewLayer("front", name, picture.sha256, 1380, 1880, 20.0, 3.0)
            for name in ("colour", "albedo", "normal", "curvature", "light:up", "thumbnail")
        ]
        overall = report.grades.overall
        grade = grades.add(
            session,
            card_id=card.id,
            job_id=job.id,
            report_sha256=stored.sha256,
            layers=layers,
            overall=overall.grade if overall else None,
            score=overall.score if overall else None,
        )
        return card.id, grade.id
