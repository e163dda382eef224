import json

from rcg.training.events import EventLog, attempts, last_seq, read


def steps(rows):
    return [row["step"] for row in rows if row["kind"] == "step"]


def test_rows_come_back_as_they_were_told(tmp_path):
    told = []
    log = EventLog(tmp_path, 1, told.append)
    for step in range(3):
        log.append("step", step=step, loss=0.5, losses={"mask": 0.25})
    log.close()
    assert list(read(tmp_path)) == told
    assert [row["seq"] for row in told] == [0, 1, 2]
    assert [row["seq"] for row in read(tmp_path, after_seq=1)] == [2]


def test_a_row_is_in_the_file_before_anyone_hears_of_it(tmp_path):
    seen = []
    log = EventLog(tmp_path, 1, lambda row: seen.append(list(read(tmp_path))[-1] == row))
    log.append("log", level="info", text="é")
    assert seen == [True]


def test_what_was_computed_past_the_step_of_a_resume_is_left_out(tmp_path):
    first = EventLog(tmp_path, 1)
    first.append("start", steps=9, from_step=0)
    for step in (1, 2, 3, 4, 5):
        first.append("step", step=step, loss=1.0)
        if step == 3:
            first.append("checkpoint", step=3, file="step-000003.pt")
    first.append("warning", code="nan", text="kept", action="", step=5)
    first.append("eval", step=5, metrics={})
    first.close()
    second = EventLog(tmp_path, 2)
    second.append("start", steps=9, from_step=3)
    second.append("step", step=4, loss=2.0)
    second.close()
    rows = list(read(tmp_path))
    assert steps(rows) == [1, 2, 3, 4]
    assert [row["loss"] for row in rows if row["kind"] == "step"][-1] == 2.0
    assert [row["kind"] for row in rows].count("warning") == 1
    assert not [row for row in rows if row["kind"] == "eval"]
    assert len({row["seq"] for row in rows}) == len(rows)
    assert [row["seq"] for row in rows] == sorted(row["seq"] for row in rows)


def test_numbers_go_on_over_attempts_and_after_a_line_that_was_cut_short(tmp_path):
    first = EventLog(tmp_path, 1)
    first.append("step", step=1)
    first.append("step", step=2)
    first.close()
    with first.path.open("ab") as file:
        file.write(b'{"seq":2,"attempt":1,"t":1,"kind":"st')
    again = EventLog(tmp_path, 1)
    assert again.append("step", step=3)["seq"] == 2
    again.close()
    assert steps(read(tmp_path)) == [1, 2, 3]
    assert EventLog(tmp_path, 10).append("step", step=4)["seq"] == 3
    assert [number for number, _ in attempts(tmp_path)] == [1, 10]
    assert last_seq(tmp_path) == 3


def test_a_number_that_is_none_is_refused_rather_than_written(tmp_path):
    log = EventLog(tmp_path, 1)
    try:
        log.append("step", step=1, loss=float("nan"))
    except ValueError:
        pass
    else:
        raise AssertionError("NaN is no JSON")
    assert log.path.read_bytes() == b""
    assert json.loads(json.dumps(log.append("step", step=1)))["seq"] == 0
