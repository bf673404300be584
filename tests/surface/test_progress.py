"""Surface: a log that nobody watches tells how far long work is, and stays empty where work is quick."""

from alarmin.cli import face


def told(monkeypatch, capsys, seconds_between: float) -> str:
    clock = iter(i * seconds_between for i in range(100))
    monkeypatch.setattr(face.time, "monotonic", lambda: next(clock))
    with face.progress() as report:
        for done in range(1, 41):
            report("populations", done, 40)
    return capsys.readouterr().err


def test_quick_work_leaves_no_lines(monkeypatch, capsys):
    assert told(monkeypatch, capsys, 0.1) == ""


def test_long_work_tells_now_and_then(monkeypatch, capsys):
    lines = told(monkeypatch, capsys, 20.0).splitlines()
    assert lines[0] == "populations: 2 of 40 after 0:00:40"
    assert 15 <= len(lines) <= 21
