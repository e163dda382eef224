"""The log of steps: as the server's, rebased when somebody was quicker, sent until it is taken."""

import uuid

import pytest
from annotate_node import Core

from rcg.api import label_schemas as schemas
from rcg.api.services import labels
from rcg.datasets.schema import LabelClass, LabelSchema
from rcg.store.dataset_models import Dataset, DatasetItem

EMPTY = {"revision": 0, "label_state": "unlabelled", "annotations": [], "undo": None, "redo": None}


@pytest.fixture(scope="module")
def core(tmp_path_factory):
    return Core(tmp_path_factory.mktemp("core"))


def shape(number, x=0.0, **more):
    body = {"type": "box", "x": x, "y": 0, "width": 5, "height": 5}
    return {
        "id": f"{number:032x}", "label": "dent", "shape": body, "attributes": {}, "crowd": False,
        "source": "person", "state": "accepted", "score": None, "model": None, "extra": {}, **more,
    }  # fmt: skip


def add(op_id, *shapes):
    return {"op_id": op_id, "kind": "add", "annotations": list(shapes)}


def change(op_id, *shapes):
    return {"op_id": op_id, "kind": "change", "annotations": list(shapes)}


def sheet(*shapes, revision=1, undo=None, redo=None):
    return EMPTY | {"annotations": list(shapes), "revision": revision, "undo": undo, "redo": redo}


RANDOM = """
const model = new core.model.Model(given.sheet), sent = [];
let seed = given.seed;
const random = (n) => { seed = (seed * 48271) % 2147483647; return seed % n; };
let count = 0;
for (let i = 0; i < given.steps; i++) {
  const ids = model.list.map((s) => s.id);
  const kind = ["add", "add", "change", "remove", "undo", "redo", "undo"][random(7)];
  let op;
  if (kind === "undo" || kind === "redo") op = model.next(kind)?.op;
  else if (kind === "add" || !ids.length) {
    const id = (1000 + ++count).toString(16).padStart(32, "0");
    const state = random(4) ? "accepted" : "predicted";
    op = { op_id: `op${i}`, kind: "add", annotations: [{ ...given.template, id, state }] };
  } else if (kind === "change") {
    const old = model.get(ids[random(ids.length)]), moved = { ...old.shape, x: random(100) };
    op = { op_id: `op${i}`, kind: "change", annotations: [{ ...old, state: "accepted", shape: moved }] };
  } else op = { op_id: `op${i}`, kind: "remove", ids: [ids[random(ids.length)]] };
  if (op && model.apply(op)) sent.push(op);
}
return { sent, list: model.list, state: model.labelState };
"""


@pytest.mark.parametrize("seed", [1, 2, 3, 4])
def test_page_and_server_agree_on_300_random_steps(core, container, seed):
    found = core(RANDOM, sheet=EMPTY, template=shape(0), seed=seed, steps=300)
    assert {op["kind"] for op in found["sent"]} == {"add", "change", "remove", "undo", "redo"}
    schema = LabelSchema(task="instance", classes=[LabelClass(name="dent")])
    with container.db.write() as session:
        dataset = Dataset(name="Dents", kind="surface_damage", label_schema=schema.model_dump(mode="json"))
        session.add(dataset)
        session.flush()
        item = DatasetItem(
            id=uuid.uuid4().hex, dataset_id=dataset.id, name="a", position=0, width_px=200, height_px=200,
            px_per_mm=None, card_key="a", source="upload",
        )  # fmt: skip
        session.add(item)
    answer = labels.edit(container, item.id, schemas.OpsIn(base_revision=0, ops=found["sent"]))
    stored = schemas.LabelsOut.model_validate_json(labels.sheet(container, item.id))
    assert [(one.id, one.shape.x) for one in stored.annotations] == [
        (one["id"], one["shape"]["x"]) for one in found["list"]
    ]
    assert answer.label_state == found["state"]


def test_undo_goes_back_past_the_reload_with_the_servers_help(core):
    found = core(
        """const model = new core.model.Model(given.sheet), words = [];
        model.apply(given.op);
        for (let i = 0; i < 2; i++) {
          const next = model.next("undo");
          words.push([next.op.target, next.here]);
          if (next.here) model.apply(next.op);
          else {
            model.replayed([], [given.first], "unlabelled");
            model.reached(null, { op_id: "old", words: "draw" });
          }
        }
        const redo = model.next("redo");
        return [...words, model.next("undo"), redo.op.target, redo.here, model.list.length]""",
        sheet=sheet(shape(1), undo={"op_id": "old", "words": "draw"}),
        op=add("new", shape(2)), first=shape(1)["id"],
    )  # fmt: skip
    assert found == [["new", True], ["old", False], None, "old", False, 0]


def test_a_new_step_ends_what_could_be_redone(core):
    found = core(
        """const model = new core.model.Model(given.sheet);
        model.apply(given.a); model.apply(model.next("undo").op);
        const could = model.next("redo") !== null; model.apply(given.b);
        return [could, model.next("redo"), model.list.map((s) => s.id)]""",
        sheet=EMPTY | {"redo": {"op_id": "x", "words": "draw"}}, a=add("a", shape(1)), b=add("b", shape(2)),
    )  # fmt: skip
    assert found == [True, None, [shape(2)["id"]]]


def rebased(core, present, pending, known=()):
    return core(
        """const { model, ops, notes } = core.model.rebase(given.present, given.pending, given.known);
        return { list: model.list, ops, notes }""",
        present=present, pending=pending, known=list(known),
    )  # fmt: skip


def test_own_shapes_are_put_on_top_of_what_another_tab_drew(core):
    found = rebased(core, sheet(shape(9)), [add("a", shape(1)), change("b", shape(9, x=7))])
    assert [one["id"] for one in found["list"]] == [shape(9)["id"], shape(1)["id"]]
    assert found["list"][0]["shape"]["x"] == 7
    assert [op["op_id"] for op in found["ops"]] == ["a", "b"]


def test_a_shape_that_was_deleted_elsewhere_while_it_was_changed_is_put_back(core):
    found = rebased(core, sheet(), [change("b", shape(9, x=7))])
    assert found["ops"] == [add("b", shape(9, x=7))]
    assert "put back" in found["notes"][0]


def test_what_the_server_knows_already_is_not_sent_again(core):
    found = rebased(core, sheet(shape(1)), [add("a", shape(1)), add("b", shape(2))], known=["a"])
    assert [op["op_id"] for op in found["ops"]] == ["b"]
    assert len(found["list"]) == 2


def test_what_was_done_and_taken_back_unsent_is_not_sent(core):
    undo = {"op_id": "u", "kind": "undo", "target": "a"}
    redo = {"op_id": "r", "kind": "redo", "target": "a"}
    assert rebased(core, sheet(), [add("a", shape(1)), undo])["ops"] == []
    again = rebased(core, sheet(), [add("a", shape(1)), undo, redo])
    assert [op["op_id"] for op in again["ops"]] == ["a"]


def test_an_undo_that_no_longer_fits_is_left_out_and_told(core):
    undo = {"op_id": "u", "kind": "undo", "target": "old"}
    fits = rebased(core, sheet(shape(1), undo={"op_id": "old", "words": "draw"}), [undo])
    assert fits["ops"] == [undo]
    late = rebased(core, sheet(shape(1), undo={"op_id": "theirs", "words": "draw"}), [undo])
    assert late["ops"] == []
    assert "no longer fits" in late["notes"][0]


# Sending

SEND = """
const log = [], stored = new Map(), timers = [], answers = [...given.answers];
const store = { put: async (e) => { stored.set(e.key, e.op.op_id); }, remove: async (keys) => { keys.forEach((k) => stored.delete(k)); } };
const post = async (item, base, ops) => {
  log.push([item, base, ops.map((o) => o.op_id)]);
  const answer = answers.shift() ?? {};
  if (answer.status !== undefined) throw Object.assign(new Error(""), { detail: "", hint: "", data: null, ...answer });
  return { revision: (base ?? 0) + ops.length, changed: [], removed: [], undo: null, redo: null, ...answer };
};
const told = { statuses: [], refused: [], conflicts: 0 };
const listener = {
  status: (s) => told.statuses.push(`${s.state} ${s.waiting}`), taken: () => undefined,
  conflict: (item, present, known, pending) => { told.conflicts++; return pending.filter((o) => !known.includes(o.op_id)); },
  refused: (item, op) => told.refused.push(op.op_id),
};
const sender = new core.sender.Sender(store, post, listener, { later: (run) => { timers.push(run); return () => undefined; } }, "me");
sender.knows("i", 5);
for (const id of given.ops) sender.push("i", { op_id: id, kind: "remove", ids: ["x"] });
for (let i = 0; i < 30; i++) { await new Promise((r) => setTimeout(r, 2)); if (timers.length && !sender.status.state.startsWith("sav")) timers.shift()(); }
return { log, stored: [...stored.values()], told, status: sender.status };
"""  # noqa: E501


def sent(core, ops, answers):
    return core(SEND, ops=ops, answers=answers)


def test_steps_are_sent_in_order_on_the_revision_that_was_answered(core):
    found = sent(core, ["a", "b", "c"], [])
    assert found["log"] == [["i", 5, ["a", "b", "c"]]]
    assert found["stored"] == []
    assert found["status"] == {"state": "saved", "waiting": 0, "problem": ""}


def test_offline_steps_wait_in_the_browser_and_are_sent_again_the_same(core):
    found = sent(core, ["a"], [{"status": 0}, {"status": 503, "detail": "full"}])
    assert [entry[1:] for entry in found["log"]] == [[5, ["a"]]] * 3
    assert "offline 1" in found["told"]["statuses"]
    assert found["status"]["state"] == "saved"


def test_after_a_conflict_the_rest_is_sent_on_the_present_state(core):
    data = {"annotations": [], "revision": 9, "known": ["a"]}
    found = sent(core, ["a"], [{"status": 409, "data": data}])
    assert found["told"]["conflicts"] == 1
    assert len(found["log"]) == 1, "it was known already"
    assert found["stored"] == []
    found = sent(core, ["a"], [{"status": 409, "data": data | {"known": []}}])
    assert [entry[1] for entry in found["log"]] == [5, 9]


def test_one_bad_step_is_found_told_and_left_out_and_the_others_are_saved(core):
    found = sent(core, ["a", "b", "c"], [{"status": 422}, {}, {"status": 422}, {}])
    assert [ops for _, _, ops in found["log"]] == [["a", "b", "c"], ["a"], ["b"], ["c"]]
    assert [base for _, base, _ in found["log"]] == [5, 5, 6, 6]
    assert found["told"]["refused"] == ["b"]
    assert found["status"]["state"] == "saved"
    assert found["stored"] == []
