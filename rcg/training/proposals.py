"""What is proposed for each option of a run, group by group, and why."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, Final

from rcg.datasets.augment import Recipe, check, defaults, parse
from rcg.datasets.schema import Kind
from rcg.errors import InputError
from rcg.training import advice
from rcg.training.anchors import plan_anchors
from rcg.training.architectures import BACKBONES, Architecture, Backbone, has_relief
from rcg.training.draft import Draft
from rcg.training.metrics import METRICS, metric
from rcg.training.spec import KnownWeights, Preset
from rcg.training.summary import Summary

_STEP: Final = 32
_LONG_SIDE: Final[dict[Preset, int]] = {"quick": 224, "balanced": 448, "best": 896}
_LONG_SIDE_CPU: Final[dict[Preset, int]] = {"quick": 224, "balanced": 448, "best": 640}
_EPOCHS: Final[dict[Preset, int]] = {"quick": 4, "balanced": 40, "best": 100}
_STEPS: Final[dict[Preset, tuple[int, int]]] = {
    "quick": (300, 1500), "balanced": (1000, 12_000), "best": (3000, 60_000),
}  # fmt: skip
_PATIENCE: Final[dict[Preset, int | None]] = {"quick": None, "balanced": 10, "best": 15}
_RATE: Final[dict[Backbone, float]] = {
    "tiny": 2e-3, "mobilenet_v3": 1e-3, "resnet18": 1e-3, "resnet34": 7e-4, "resnet50": 4e-4,
    "resnet50_v2": 4e-4,
}  # fmt: skip
_EVALUATED_ITEMS: Final = 200


def data(d: Draft, s: Summary, kind: Kind, chosen: Architecture, preset: Preset, gpus: int) -> None:
    """Propose layers, training size, augmentation and modality dropout."""
    known = list(dict.fromkeys([*kind.channels, *kind.layers, *sorted(s.layers)]))
    here = [name for name in known if name in s.layers]
    proposed = [name for name in kind.channels if name in s.layers] or here[:1]
    if chosen.needs_relief and not has_relief(proposed):
        proposed += [name for name in ("normal", "curvature") if name in s.layers]
    lacking = [name for name in kind.channels if name not in s.layers]
    reason = f"The layers that {kind.title} learns from" + (
        f"; no item has {', '.join(lacking)}." if lacking else ", all of which the items have."
    )
    channels = d.pick(
        "channels", tuple(proposed), reason, {name: f"{name} ({s.layers[name]} items)" for name in here}
    )
    advice.check_channels(channels, s, relief=chosen.needs_relief)
    side = min((_LONG_SIDE if gpus else _LONG_SIDE_CPU)[preset], max(s.width, s.height))
    size = input_size(s.width, s.height, side)
    d.pick(
        "input_size", size,
        f"Items are {s.width} x {s.height} px; {preset} fits them into {side} px, in steps of {_STEP}.",
    )  # fmt: skip
    _recipe(d, s, kind, preset)
    mixed = has_relief(channels) and not all(has_relief([name]) for name in channels)
    d.pick(
        "modality_dropout",
        0.1 if mixed else 0.0,
        "One item in ten is shown without its relief, so that the model also works on a plain photograph."
        if mixed
        else "There is not both colour and relief to leave one out of.",
    )


def _recipe(d: Draft, s: Summary, kind: Kind, preset: Preset) -> None:
    if s.recipe is not None:
        proposed: Recipe | None = parse(s.recipe)
        reason = "The recipe that the version was made with."
    else:
        proposed = defaults(kind.model_copy(update={"label_schema": s.label_schema}))
        reason = "What the kind allows, each layer moved by its own law."
        if preset == "quick":
            exact = [step for step in proposed.steps if step.op in {"flip_horizontal", "flip_vertical"}]
            proposed = proposed.model_copy(update={"steps": exact})
            reason = "Flips alone: a short run has no time to learn from more variety."
        if not proposed.steps:
            proposed, reason = None, "None: a short run, and the labels allow no flip."
    value = d.pick("recipe", proposed.model_dump(mode="json") if proposed else None, reason)
    if value is not None:
        check(parse(value), s.label_schema)


def input_size(width: int, height: int, side: int) -> tuple[int, int]:
    """Return the training size whose longer side is about ``side``, of the items' shape, multiples of 32."""
    scale = side / max(width, height, 1)
    w, h = (max(64, _STEP * round(length * scale / _STEP)) for length in (width, height))
    return w, h


def network(d: Draft, s: Summary, chosen: Architecture, preset: Preset, gpus: int) -> None:
    """Propose backbone, weights, norm, and the heads of masks or points."""
    usual: dict[Preset, Backbone] = (
        {"quick": "tiny", "balanced": "resnet50", "best": "resnet50_v2"}
        if gpus
        else {"quick": "tiny", "balanced": "resnet18", "best": "resnet34"}
    )
    backbone = usual[preset] if usual[preset] in chosen.backbones else chosen.backbones[-1]
    why = "It learns from few items in minutes." if backbone == "tiny" else (
        "There is a graphics card for it."
        if gpus else "What a processor can train; a graphics card allows more."
    )  # fmt: skip
    known = d.begins_with or KnownWeights("")
    if known.backbone is not None:
        backbone, why = _backbone_of(known.backbone, known.name, chosen), "That of the weights to begin with."
    backbone = d.pick("model.backbone", backbone, why, {name: BACKBONES[name] for name in chosen.backbones})
    weights = d.pick(
        "weights", None,
        "None: the network learns from nothing. A file of weights shortens that, and helps with few items.",
    )  # fmt: skip
    if known.backbone is not None and _body(backbone) != _body(known.backbone):
        raise InputError(
            f"The weights in {known.name} are of another backbone: theirs is {known.backbone}, this run's is "
            f"{backbone}.",
            f"Choose the backbone {_backbone_of(known.backbone, known.name, chosen)}, or other weights.",
            field="weights",
        )
    norms = {"group": "Group: learns from nothing", "batch": "Batch", "frozen": "Batch, frozen"}
    usual_norm = "batch" if backbone in {"resnet50_v2", "mobilenet_v3"} else "frozen"
    d.pick(
        "model.norm", "group" if weights is None else known.norm or usual_norm,
        "Without weights frozen batch norms cannot learn, and batches are small."
        if weights is None else "As the weights were trained; group norm for weights that RCG trained.",
        norms,
    )  # fmt: skip
    if chosen.options == "points":
        _points(d, preset)
    else:
        _masks(d, s, chosen, large=backbone.startswith("resnet50"))


def _body(backbone: Backbone) -> str:
    """Return the body of a backbone: its second version has other heads alone."""
    return backbone.removesuffix("_v2")


def _backbone_of(known: Backbone, name: str, chosen: Architecture) -> Backbone:
    """Return the architecture's backbone that weights of a known one fit. Raises InputError."""
    if known in chosen.backbones:
        return known
    for one in chosen.backbones:
        if _body(one) == _body(known):
            return one
    raise InputError(
        f"The weights in {name} are of the backbone {known}, and {chosen.title} has none such.",
        f"Choose other weights; its backbones are {', '.join(chosen.backbones)}.",
        field="weights",
    )


def _points(d: Draft, preset: Preset) -> None:
    d.pick("model.width", 64 if preset == "quick" else 128, "Enough to tell the points apart.")
    d.pick("model.stride", 4, "A point is read to a small part of a cell.", {4: "4", 2: "2"})
    d.pick("model.sigma", 1.0, "As tight as a cell is wide.")
    d.pick("model.spread_weight", 1.0, "Tightness counts like distance.")


def _masks(d: Draft, s: Summary, chosen: Architecture, *, large: bool) -> None:
    fusions = {"early": "Early: all channels stacked", "gated": "Gated: a stem each, attention weighs them"}
    d.pick(
        "model.fusion", "early",
        "Early fusion costs nothing; gated attention is a run of its own to compare."
        if len(chosen.fusions) > 1 else "This architecture stacks all channels.",
        {name: fusions[name] for name in chosen.fusions},
    )  # fmt: skip
    width, height = d.values["input_size"][:2] if len(d.values["input_size"]) == 2 else (224, 224)
    scale = min(width / max(s.width, 1), height / max(s.height, 1))
    anchors = plan_anchors(s.boxes, s.width * scale, s.height * scale)
    d.coverage = anchors.coverage
    d.pick(
        "model.anchor_sizes", anchors.sizes,
        f"From the {len(s.boxes)} training boxes at this size, each class alike."
        if s.boxes else "No boxes to go by.",
    )  # fmt: skip
    d.pick("model.anchor_scales", anchors.scales, "Two to an octave: a box is never far from an anchor.")
    d.pick(
        "model.anchor_ratios", anchors.ratios,
        f"With these sizes {anchors.coverage:.0%} of the boxes meet an anchor by half."
        if anchors.coverage is not None else "Usual ones.",
    )  # fmt: skip
    light = "Light heads: a flaw is a simple shape, and steps count more than width."
    heavy = "As the large backbone was designed."
    pick: Callable[[str, int, int], Any] = lambda key, small, big: d.pick(  # noqa: E731  a row per option reads best
        key, big if large else small, heavy if large else light
    )
    pick("model.fpn_channels", 64, 256)
    pick("model.head_width", 256, 1024)
    pick("model.mask_channels", 64, 256)
    pick("model.mask_layers", 2, 4)
    d.pick(
        "model.mask_resolution",
        28,
        "56 follows thin scratches closer, for a slower mask head.",
        {28: "28", 56: "56"},
    )
    proposals = (2000, 512, 1000, 256) if large else (400, 128, 200, 64)
    d.pick("model.proposals", proposals, "Before and after suppression, in training and in use.")
    pick("model.rpn_samples", 64, 256)
    pick("model.box_samples", 64, 256)
    most = 100 if large else 30
    d.pick("model.detections", most, "More than any item here has." if s.boxes else "Usual.")
    d.pick("model.score_threshold", 0.05, "Low, so that the precision curve is whole; each use sets its own.")


def length(d: Draft, s: Summary, chosen: Architecture, preset: Preset, gpus: int) -> None:
    """Propose batch, steps, and how often to evaluate and to keep a checkpoint."""
    backbone = d.values["model.backbone"]
    heavy = backbone.startswith("resnet50")
    batch, why = (
        (8 if preset == "best" else 4) if gpus else (2 if heavy else 4),
        ("Small batches give many steps; group norm does not mind."),
    )
    if backbone == "tiny" and chosen.options == "mask":
        batch, why = 8, "So small a network takes eight at once, and learns more of each step than of four."
    batch = d.pick("batch_size", batch, why)
    train = max(s.items.get("train", 0), 1)
    low, high = _STEPS[preset]
    wanted = -(-_EPOCHS[preset] * train // batch)
    steps = d.pick(
        "steps", min(max(wanted, low), high),
        f"{_EPOCHS[preset]} passes over {train} items would be {wanted}; {preset} takes {low} to {high}.",
    )  # fmt: skip
    held_out = s.items.get("val", 0)
    every = max(20, steps // (5 if preset == "quick" else 20))
    d.pick("eval_every", max(1, min(steps, every)), "Few evaluations, so that they take little of the time.")
    d.pick("eval_share", 0.1, "An evaluation is left out while they took more than a tenth of the time.")
    d.pick(
        "eval_items", _EVALUATED_ITEMS if held_out > _EVALUATED_ITEMS else None,
        f"{_EVALUATED_ITEMS} of {held_out}, always the same; the last evaluation takes all."
        if held_out > _EVALUATED_ITEMS else "All held-out items.",
    )  # fmt: skip
    d.pick("checkpoint_every", max(1, min(steps, 500, max(25, steps // 10))), "So much work is lost at most.")


def learning(d: Draft) -> None:
    """Propose the optimiser and its schedule."""
    backbone, weights = d.values["model.backbone"], d.values["weights"]
    rate = _RATE[backbone] * (0.3 if weights else 1)
    d.pick(
        "optimiser.name", "adamw", "Forgiving of the rate.", {"adamw": "AdamW", "sgd": "SGD with momentum"}
    )
    why = "Lower with weights to begin with." if weights else "Where this backbone begins from nothing."
    d.pick("optimiser.lr", rate, why)
    d.pick("optimiser.weight_decay", 0.02, "A little; norms and biases are left out.")
    d.pick("optimiser.momentum", 0.9, "Of SGD alone.")
    d.pick("optimiser.clip", 5.0, "Keeps the first steps from breaking the network.")
    steps = d.values["steps"]
    d.pick("schedule.warmup", min(max(steps // 10, 1), 30 if steps <= 2000 else 200), "The rate rises first.")
    d.pick("schedule.hold", 0.6, "Full rate for this share of the run, then half a cosine.")
    d.pick("schedule.final", 0.01, "Of the full rate.")


def stopping(d: Draft, s: Summary, kind: Kind, preset: Preset) -> None:
    """Propose the deciding metric, what ends the run, and where it computes."""
    task = s.label_schema.task
    names = {name: one.title for name, one in METRICS.items() if one.task == task}
    proposed = kind.metric if kind.metric in names else next(iter(names))
    decides = d.pick("metric", proposed, METRICS[proposed].description, names)
    if decides in {"error_mm", "pck_01mm"} and s.px_per_mm is None:
        raise InputError(
            f"The metric {decides} needs the items' scale, and none has one.",
            "Choose pck or error_px.",
            field="metric",
        )
    target = d.pick(
        "stop.target", None, "None: the run takes its steps. A target ends it as soon as it is reached."
    )
    if target is not None:
        metric(target["metric"], task)
    d.pick(
        "stop.patience", _PATIENCE[preset],
        "A long run ends when evaluations stop getting better."
        if _PATIENCE[preset] else "A short run goes to its end.",
    )  # fmt: skip
    d.pick("stop.max_seconds", None, "None.")
    d.pick("stop.max_epochs", None, "None: the steps decide.")
    d.pick("device", "auto", "CUDA where there is one.", {"auto": "Auto", "cpu": "Processor", "cuda": "CUDA"})
    d.pick(
        "precision", "auto", "bf16 on a graphics card that has it, else fp32.",
        {"auto": "Auto", "fp32": "fp32", "bf16": "bf16", "fp16": "fp16"},
    )  # fmt: skip
    d.pick("threads", None, "What the worker gives; the same number again gives the same bits.")
    d.pick("seed", 0, "Any; the same seed gives the same run on a processor.")
    d.pick("shuffle_labels", False, "On, nothing can be learnt: what it then reaches is what chance reaches.")
