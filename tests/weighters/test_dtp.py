import pytest
import torch
from sequences import assert_same_state, double, golden_sequences, stream
from stopped import assert_stopped_run_ends_as_an_undisturbed_one
from tiny import tiny
from torch import Tensor

from mtl import build
from mtl.engine.trainer import Trainer
from mtl.weighters import DTP

KPIS = stream(12, 3) / 3.1  # between 0.03 and 0.97


def make(tasks: int = 3) -> DTP:
    return DTP(tasks, alpha=0.1, gamma=1.0)


def step(weighter: DTP, kpis: Tensor, active: Tensor | None = None) -> Tensor:
    weighter.observe(kpis)
    return weighter(torch.ones(weighter.num_tasks).double(), active=active).weights


@pytest.mark.parametrize(("file", "case"), golden_sequences("dtp_seq"))
def test_golden(file, case):
    weighter = DTP(case["T"], alpha=case["alpha"], gamma=case["gamma"])
    for kpis, expected in zip(case["kpi"], case["expected"], strict=True):
        torch.testing.assert_close(step(weighter, double(kpis)), double(expected["weights"]), rtol=1e-12, atol=1e-15)
        torch.testing.assert_close(weighter.average, double(expected["kpi"]), rtol=1e-12, atol=1e-15)


@pytest.mark.parametrize(
    ("kpi", "gamma", "weight"), [(0.5, 1.0, 0.346574), (0.9, 2.0, 0.00105361), (0.1, 2.0, 1.865094)]
)
def test_by_hand(kpi, gamma, weight):
    assert step(DTP(1, alpha=0.1, gamma=gamma), double([kpi])).item() == pytest.approx(weight, rel=1e-5)


def test_average_by_hand():
    weighter = DTP(1, alpha=0.1, gamma=1.0)
    step(weighter, double([0.5]))
    assert step(weighter, double([0.9])).item() == pytest.approx(0.283446, abs=1e-6)
    assert weighter.average.item() == pytest.approx(0.54)


def test_perfect_and_hopeless_tasks_keep_a_positive_weight():
    weights = step(make(2), double([0.0, 1.0]))
    assert weights.tolist() == pytest.approx([4.559118, 0.00010050], rel=1e-4)


def test_task_without_a_kpi_weighs_one_and_keeps_its_state():
    weighter = make(3)
    assert step(weighter, double([0.5, torch.nan, 0.5]))[1] == 1
    kept = step(weighter, double([0.2, 0.3, 0.4]))
    assert step(weighter, torch.full((3,), torch.nan)).tolist() == kept.tolist()


def test_inactive_task_is_as_if_it_did_not_exist():
    three, two, active = make(3), make(2), torch.tensor([True, False, True])
    for kpis in KPIS:
        weights = step(three, kpis, active)
        assert weights[1] == 0
        assert torch.equal(weights[active], step(two, kpis[active]))
    assert three.average[1] == 0


def test_saved_and_loaded_it_continues_bit_for_bit():
    whole, parts = make(), make()
    for kpis in KPIS[:5]:
        step(whole, kpis)
    parts.load_state_dict(whole.state_dict())
    for kpis in KPIS[5:]:
        assert torch.equal(step(whole, kpis), step(parts, kpis))
    assert_same_state(whole, parts)


def test_forgotten_kpis_are_asked_for():
    weighter = make()
    step(weighter, KPIS[0])
    with pytest.raises(ValueError, match=r"call weighter\.observe\(kpis\) before backward"):
        weighter(torch.ones(3))


@pytest.mark.parametrize("words", [{"alpha": 0.0}, {"alpha": 1.5}, {"gamma": -1.0}, {"gamma": [1.0, 2.0]}])
def test_wrong_setting_is_refused_by_value(words):
    with pytest.raises(ValueError, match=str(next(iter(words.values()))).replace("[", r"\[")):
        DTP(3, **{"alpha": 0.1, "gamma": 1.0} | words)


@pytest.fixture(scope="module")
def data(tmp_path_factory):
    return tmp_path_factory.mktemp("shared")


def trainer(folder, data, *more: str) -> Trainer:
    folder.mkdir(exist_ok=True)
    words = ["weighter=dtp", "dataset.height=16", "dataset.width=32", *more]
    return build.build_trainer(build.compose([*tiny(folder, *words), f"data={data}/data"]), folder)


def test_run_measures_each_task_and_parts_of_a_batch_count_as_one(tmp_path, data):
    seen = {}
    for parts in (1, 2):
        run = trainer(tmp_path / str(parts), data, f"recipe.micro_batches={parts}", "recipe.steps=1")
        original, seen[parts] = run.weighter.observe, []
        run.weighter.observe = lambda kpis, keep=seen[parts], call=original: (keep.append(kpis.tolist()), call(kpis))
        # parts see the same norms
        run.model.train = lambda mode=True, own=run.model: type(own).train(own, False)
        run.fit()
    whole, last = seen[1][-1], seen[2][-1]
    assert last == pytest.approx(whole, nan_ok=True)
    assert seen[2][0] != last
    assert all(0 <= kpi <= 1 for kpi in whole[:3])  # edges may be missing


def test_stopped_run_ends_as_an_undisturbed_one(tmp_path, data):
    words = "recipe.steps=3", "recipe.precision=bfloat16", "recipe.evaluate=end"
    assert_stopped_run_ends_as_an_undisturbed_one(lambda name: trainer(tmp_path / name, data, *words))


def test_task_that_defines_no_kpi_is_named(monkeypatch):
    cfg = build.compose(["weighter=dtp", "subset=[depth,edge]"])
    tasks = build.build_tasks(cfg)
    monkeypatch.setattr(type(tasks[1].label), "kpi", None)
    with pytest.raises(ValueError, match="weighter=dtp needs a KPI: define kpi in the label of edge"):
        build.build_weighter(cfg, tasks)
