"""The documented cost of the engine in floating-point operations, which do not depend on the machine."""

import runpy
from pathlib import Path

import pandas as pd
import pytest
import torch
from torch.utils.flop_counter import FlopCounterMode

from mtl.bench import cost

BENCH = Path(__file__).parents[2] / "scripts/bench.py"
CPU = torch.device("cpu")
TASKS = 4
SIZE = (2, 32, 32)


@pytest.fixture(scope="module")
def bench():
    return runpy.run_path(str(BENCH))


@pytest.fixture(scope="module")
def work(bench):
    return bench["workload"]("DeepLab", SIZE, CPU)


@pytest.fixture(scope="module")
def counted(bench, work):
    counts = {row: cost.operations(work, make(CPU)) for row, make in bench["ROWS"].items()}
    assert counts["plain"][0] > 1e9
    return counts


def ratio(counted, row):
    return counted[row][0] / counted["plain"][0]


def test_plain_costs_the_same_twice(counted):
    assert counted["plain"] == counted["plain again"]


def test_features_cost_no_more_than_plain(counted):
    assert ratio(counted, "features") <= 1.01


def test_last_layer_costs_more_than_features_and_less_than_passes_over_the_heads(counted):
    assert ratio(counted, "features") < ratio(counted, "last_layer") <= 1.12
    assert ratio(counted, "last_layer") + 0.15 < ratio(counted, "naive") < ratio(counted, "shared")


def test_only_scope_shared_passes_the_encoder_once_per_task(counted):
    passes = {row: passes for row, (_, passes) in counted.items()}
    assert passes == {row: TASKS if row == "shared" else 1 for row in passes}


def test_scope_shared_costs_its_passes_and_a_gramian_and_a_combination(counted, work):
    maps = work.model.encode(work.image)
    with FlopCounterMode(display=False) as encoder:
        torch.autograd.backward(maps, [torch.ones_like(m) for m in maps])
    work.clear()
    row = 2 * TASKS * sum(p.numel() for p in work.model.shared_parameters())  # T products with a row [P]
    assert counted["shared"][0] == counted["plain"][0] + (TASKS - 1) * encoder.get_total_flops() + (TASKS + 1) * row


def test_every_row_of_light_heads_takes_a_step(bench):
    work = bench["workload"]("1x1", (2, 32, 32), CPU)
    counts = {row: cost.operations(work, make(CPU))[0] for row, make in bench["ROWS"].items()}
    assert counts["features"] == counts["plain"]
    assert counts["shared"] > 2 * counts["plain"]


def test_rounds_take_every_step_once_and_forget_the_warm_up(work):
    taken = []
    steps = [lambda _, number=number: taken.append(number) for number in range(5)]
    times = cost.seconds(work, steps, rounds=6)
    rounds = [taken[i : i + 5] for i in range(0, len(taken), 5)]
    assert len(rounds) == 8
    assert all(sorted(order) == list(range(5)) for order in rounds)
    assert len({tuple(order) for order in rounds}) > 1
    assert [len(row) for row in times] == [6] * 5


def test_one_round_is_refused(work):
    with pytest.raises(ValueError, match="rounds=1"):
        cost.seconds(work, [], rounds=1)


def test_ratios_are_taken_within_a_round():
    assert cost.ratio_to([1.0, 10.0, 100.0], [2.0, 20.0, 200.0]) == (2.0, 2.0, 2.0)
    assert cost.ratio_to([1.0] * 5, [1.0, 2.0, 3.0, 4.0, 5.0]) == (2.0, 3.0, 4.0)


def hold(mebibytes: int) -> float:
    """Peak memory of a step that allocates this amount twice, one after the other."""

    def step(_) -> None:
        for _ in range(2):
            torch.zeros(mebibytes, 2**18).add_(1)

    class Idle:
        device = CPU

        def clear(self) -> None:
            pass

    return cost.memory(Idle(), step)


def test_memory_is_the_peak_of_a_step_and_not_what_it_used_in_total():
    assert cost.in_new_process(hold, 48) == pytest.approx(48, abs=2)


@pytest.mark.slow
@pytest.mark.parametrize(("heads", "limit"), [("DeepLab", 1.05), ("1x1", 1.05)])
def test_features_need_no_more_memory_than_plain(heads, limit):
    peaks = {row: cost.in_new_process(row_memory, heads, row) for row in ("plain", "features")}
    assert peaks["features"] <= limit * peaks["plain"]


def row_memory(heads: str, row: str) -> float:
    return runpy.run_path(str(BENCH))["memory"](heads, (4, 128, 128), CPU, row)


def test_new_measurement_replaces_the_line_of_the_same_key(bench, tmp_path):
    line = dict.fromkeys(bench["KEY"], 1) | {"row": "plain", "heads": ""}
    file = tmp_path / "bench.csv"
    bench["save"](pd.DataFrame([line | {"seconds": 1.0}]), file)
    bench["save"](pd.DataFrame([line | {"seconds": 2.0}, line | {"row": "cagrad", "seconds": 3.0}]), file)
    assert pd.read_csv(file)[["row", "seconds"]].values.tolist() == [["plain", 2.0], ["cagrad", 3.0]]


def test_a_second_look_at_the_batch_is_counted(bench, work):
    plain, _ = cost.operations(work, bench["ROWS"]["plain"](CPU))
    famo, passes = cost.operations(work, bench["engine"](("weighter=famo",), CPU))
    assert passes == 1
    assert famo == pytest.approx(4 / 3 * plain, rel=5e-3)  # a forward pass more, and a backward pass costs two


def test_weighter_that_needs_more_of_the_batch_is_timed_alone(bench, monkeypatch):
    monkeypatch.syspath_prepend(BENCH.parent)
    script = runpy.run_path(str(BENCH.with_name("bench_weighters.py")))
    work = bench["workload"]("DeepLab", (2, 32, 32), CPU)
    for method, scope in (("dtp", ""), ("famo", ""), ("db_mtl", "shared")):
        row = script["Row"]("mtl", method, scope)
        assert script["weighter_milliseconds"](work, row, script["step"](row, CPU), repeats=1) > 0, row


@pytest.mark.parametrize("words", [(), ("model=mtan", "backbone=resnet_narrow")], ids=["vanilla", "mtan"])
def test_torchjd_takes_the_same_step(bench, words, monkeypatch):
    monkeypatch.syspath_prepend(BENCH.parent)
    script = runpy.run_path(str(BENCH.with_name("bench_weighters.py")))
    rows = [script["Row"](by, "cagrad", "shared") for by in ("mtl", "TorchJD")]
    torch.manual_seed(0)
    work = bench["workload"]("DeepLab", SIZE, CPU, words)
    shared = [id(parameter) for parameter in work.model.shared_parameters()]
    found = []
    for step in [script["step"](row, CPU, words) for row in rows]:
        work.clear()
        torch.manual_seed(0)
        step(work)
        apart = {True: [], False: []}
        for parameter in work.model.parameters():
            apart[id(parameter) in shared].append(parameter.grad.flatten())
        found.append({kind: torch.cat(gradients) for kind, gradients in apart.items()})
    mtl, torchjd = found
    torch.testing.assert_close(mtl[False], torchjd[False], rtol=1e-3, atol=1e-6)
    assert torch.nn.functional.cosine_similarity(mtl[True], torchjd[True], dim=0) > 0.9999
    # theirs starts from the mean of the task gradients and has no 1 / (1 + c^2)
    assert mtl[True].norm() / torchjd[True].norm() == pytest.approx(4 / 1.16, rel=5e-3)  # as far as its solver goes
