from mtl.run.clock import PARTS, Clock


def test_time_between_laps_belongs_to_the_part_that_ends_with_the_lap(monkeypatch):
    now = [100.0]
    monkeypatch.setattr("mtl.run.clock.time.perf_counter", lambda: now[0])
    clock = Clock()
    for part, seconds in [("data", 1), ("training", 5), ("data", 2), ("evaluation", 3), ("scoring", 4), ("other", 6)]:
        now[0] += seconds
        clock.lap(part)
    summary = clock.summary()
    assert summary["seconds"] == {"training": 5, "data": 3, "evaluation": 3, "scoring": 4, "other": 6}
    assert summary["wall_seconds"] == 21


def test_resumed_run_keeps_its_start_and_the_time_of_earlier_processes(monkeypatch):
    first, second = Clock(), Clock()
    first.started = "2025-09-23T12:00:00+00:00"
    first.seconds["training"], second.seconds["training"], second.seconds["other"] = 5.0, 1.0, 2.0
    second.load_state_dict(first.state_dict())
    assert second.started == first.started
    assert second.seconds == dict.fromkeys(PARTS, 0.0) | {"training": 6.0, "other": 2.0}
