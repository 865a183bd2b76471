import sys

import pytest
import torch
import torchjd.aggregation as library
from matrices import gradient_cases
from sequences import assert_same_state, double, golden_sequences
from torch import Tensor

from mtl import build
from mtl.weighters import TorchJD

OPTIONS = {"CAGrad": {"c": 0.4}, "FairGrad": {"alpha": 2.0}, "Krum": {"n_byzantine": 1}}
NAMES = ["AlignedMTL", "CAGrad", "DualProj", "FairGrad", "GradVac", "IMTLG", "Krum", "MGDA", "PCD", "PCGrad", "UPGrad"]
REMEMBER = ["GradVac", "PCD"]


def make(name: str, tasks: int = 4) -> TorchJD:
    return TorchJD(tasks, name, OPTIONS.get(name, {}))


def weights_of(weighter: TorchJD, rows: Tensor, active: Tensor | None = None) -> Tensor:
    return weighter(torch.ones(len(rows)), rows @ rows.T, active).weights


def stream(steps: int) -> Tensor:
    return torch.randn(steps, 4, 6, generator=torch.Generator().manual_seed(5), dtype=torch.float64)


def test_names_are_all_that_torchjd_offers_on_a_gramian():
    base, kinds = library.GramianWeightedAggregator, [getattr(library, name) for name in library.__all__]
    offered = {kind.__name__ for kind in kinds if isinstance(kind, type) and issubclass(kind, base)}
    assert offered == {*NAMES, base.__name__}


@pytest.mark.filterwarnings("ignore")  # of the solvers, as they run without the weighter
@pytest.mark.parametrize("case", ["well", "badly", "conflict", "zero", "identical"])
@pytest.mark.parametrize("name", NAMES)
def test_update_is_what_torchjd_makes_of_the_gradients(name, case):
    rows, weighter = gradient_cases()[case], make(name)
    draws = torch.Generator()
    draws.set_state(weighter.generator.get_state())
    weights = weights_of(weighter, rows)
    torch.manual_seed(torch.randint(2**63 - 1, (), generator=draws).item())
    expected = getattr(library, name)(**OPTIONS.get(name, {}))(rows)
    torch.testing.assert_close(weights @ rows, expected, rtol=1e-7, atol=1e-9 * rows.abs().max().item())
    assert weighter.diagnostics() == {"solver_failures": 0}


@pytest.mark.parametrize("name", NAMES)
def test_steps_go_on_bit_for_bit_and_a_skipped_step_leaves_no_trace(name):
    undisturbed, resumed = make(name), make(name)
    for rows in stream(5):
        saved = {key: value.clone() for key, value in resumed.state_dict().items()}
        weights_of(resumed, 3 * rows + 1)
        resumed = make(name)
        resumed.load_state_dict(saved)
        assert torch.equal(weights_of(resumed, rows), weights_of(undisturbed, rows))
    assert_same_state(resumed, undisturbed)


@pytest.mark.parametrize("name", REMEMBER)
def test_memory_begins_and_goes_on_as_in_torchjd(name):
    weighter, expected = make(name, 2), getattr(library, name)().gramian_weighting  # two tasks: no random order
    for rows in stream(5)[:, :2]:
        torch.testing.assert_close(weights_of(weighter, rows), expected(rows @ rows.T))
    assert not torch.equal(weights_of(weighter, rows), weights_of(make(name, 2), rows))


@pytest.mark.parametrize("name", [name for name in NAMES if name != "Krum"])  # Krum wants more tasks than are left
def test_inactive_task_is_as_if_it_did_not_exist(name):
    rows, active = gradient_cases()["conflict"], torch.tensor([True, True, False, True])
    weights = weights_of(make(name), rows, active)
    assert weights[2] == 0
    torch.testing.assert_close(weights[active], weights_of(make(name, 3), rows[active]))


@pytest.mark.parametrize("name", REMEMBER)
def test_memory_stays_as_it_is_while_a_task_is_inactive(name):
    weighter, (first, second) = make(name), stream(2)
    weights_of(weighter, first)
    before = {key: value.clone() for key, value in weighter.weighting.state_dict().items()}
    weights_of(weighter, second, torch.tensor([True, True, False, True]))
    assert before
    assert all(torch.equal(value, before[key]) for key, value in weighter.weighting.state_dict().items())


def test_no_active_task_draws_nothing():
    weighter = make("PCGrad")
    before = weighter.generator.get_state()
    assert weights_of(weighter, torch.zeros(4, 3), torch.zeros(4, dtype=torch.bool)).tolist() == [0] * 4
    assert torch.equal(weighter.generator.get_state(), before)


def test_random_orders_depend_on_the_seed_alone_and_leave_torchs_own_numbers_as_they_are():
    rows, found = gradient_cases()["conflict"], []
    for seed in (0, 1):
        torch.manual_seed(seed)
        before, weighter = torch.get_rng_state(), make("PCGrad")
        found.append(torch.stack([weights_of(weighter, rows) for _ in range(5)]))
        assert torch.equal(torch.get_rng_state(), before)
    assert torch.equal(found[0], found[1])
    assert len(found[0].unique(dim=0)) > 1


@pytest.mark.parametrize("case", gradient_cases())
@pytest.mark.parametrize("name", NAMES)
def test_weights_are_finite_in_float64_and_float32(name, case):
    weighter, rows = make(name), gradient_cases()[case]
    for gramian in (rows @ rows.T, (rows @ rows.T).float()):
        weights = weighter(torch.ones(4), gramian).weights
        assert torch.isfinite(weights).all()
        assert weights.dtype is gramian.dtype


class Broken(torch.nn.Module):
    def __init__(self, answer: Tensor | Exception) -> None:
        super().__init__()
        self.answer = answer

    def forward(self, gramian: Tensor) -> Tensor:
        if isinstance(self.answer, Exception):
            raise self.answer
        return self.answer


@pytest.mark.parametrize("answer", [double([1.0, float("nan")]), ArithmeticError("no solution")])
def test_failed_solver_gives_equal_weights_and_is_counted(answer):
    weighter = make("UPGrad", 2)
    weighter.weighting = Broken(answer)
    for steps in (1, 2):
        assert weights_of(weighter, torch.eye(2)).tolist() == [0.5, 0.5]
        assert weighter.diagnostics() == {"solver_failures": steps}


def test_list_by_task_loses_the_entries_of_inactive_tasks():
    rows, active = gradient_cases()["well"], torch.tensor([True, False, True, True])
    weights = weights_of(TorchJD(4, "UPGrad", {"pref_vector": [1, 2, 3, 4]}), rows, active)
    expected = library.UPGrad(pref_vector=double([1.0, 3.0, 4.0])).gramian_weighting(rows[active] @ rows[active].T)
    torch.testing.assert_close(weights[active], expected)


@pytest.mark.parametrize(
    ("name", "options", "line"),
    [
        ("UPgrad", {}, "did you mean UPGrad"),
        ("Average", {}, "use AlignedMTL, CAGrad"),
        ("GradDrop", {}, "GradDrop does not work on the Gramian"),
        ("ConFIG", {}, "ConFIG does not work on the Gramian"),
        ("TrimmedMean", {"trim_number": 1}, "TrimmedMean does not work on the Gramian"),
        ("NashMTL", {"n_tasks": 4}, "NashMTL does not work on the Gramian"),
        ("CAGrad", {}, "missing 1 required positional argument: 'c'"),
        ("CAGrad", {"c": -1}, "c must be non-negative"),
        ("UPGrad", {"beta": 1}, "unexpected keyword argument 'beta'"),
        ("UPGrad", {"pref_vector": [1, 2]}, "should have 2 rows"),
        ("Krum", {"n_byzantine": 3}, "at least 6 rows"),
    ],
)
def test_what_torchjd_cannot_do_is_refused_by_name(name, options, line):
    with pytest.raises(ValueError, match=line):
        TorchJD(4, name, options)


@pytest.mark.parametrize("package", ["torchjd.aggregation", "torchjd"])
def test_missing_package_is_named(monkeypatch, package):
    monkeypatch.delitem(sys.modules, "torchjd.aggregation")
    monkeypatch.setitem(sys.modules, package, None)
    with pytest.raises(ValueError, match=r"pip install -e '\.\[torchjd\]'"):
        make("UPGrad")


def test_missing_solver_is_named(monkeypatch):
    monkeypatch.setattr("torchjd._mixins.find_spec", lambda name: None)
    with pytest.raises(ValueError, match=r"CAGrad needs more packages: pip install -e '\.\[torchjd\]'"):
        make("CAGrad")


def test_aggregator_and_options_are_words_on_the_command_line():
    words = ["weighter=torchjd", "weighter.method.aggregator=CAGrad", "+weighter.method.options.c=0.4"]
    cfg = build.compose(words)
    weighter = build.build_weighter(cfg, build.build_tasks(cfg))
    assert weighter.weighting.c == 0.4
    cfg = build.compose(["weighter=torchjd", "+weighter.method.options.pref_vector=[1,2,3,4]"])
    weighter = build.build_weighter(cfg, build.build_tasks(cfg))
    assert weighter.weighting.pref_vector.tolist() == [1, 2, 3, 4]


@pytest.mark.parametrize(("file", "case"), [*golden_sequences("upgrad_exact"), *golden_sequences("dualproj_exact")])
def test_golden(file, case):
    """Exact solutions of the quadratic programs, found by enumeration."""
    rows, name = double(case["J"]), {"upgrad_exact": "UPGrad", "dualproj_exact": "DualProj"}[file["method"]]
    weights = weights_of(make(name, case["T"]), rows)
    torch.testing.assert_close(weights, double(case["expected"]["weights"]), rtol=1e-8, atol=1e-8)


LIBRARY = {"upgrad": "UPGrad", "dualproj": "DualProj", "aligned_mtl": "AlignedMTL", "gradvac": "GradVac"}
RECORDED = [
    case
    for method in LIBRARY
    for case in golden_sequences(method)
    if method != "gradvac" or case.values[1]["T"] == 2  # with more tasks the order, ours at random, matters
]


@pytest.mark.filterwarnings("ignore")  # of the solvers
@pytest.mark.parametrize(("file", "case"), RECORDED)
def test_golden_of_the_library(file, case):
    """Recorded with TorchJD and with LibMTL, whose AlignedMTL adds up where TorchJD's averages."""
    rows, expected, settings = double(case["J"]), case["expected"], file["hyperparameters"]
    options = {key: settings[key] for key in ("scale_mode", "beta") if key in settings}  # the rest is as by default
    weights = weights_of(TorchJD(case["T"], LIBRARY[file["method"]], options), rows)
    if (file["method"], file["source"]) == ("aligned_mtl", "LibMTL"):
        weights = weights * case["T"]
    scale = rows.abs().max().item()
    tolerance = {"badly": 1e-7, "colinear": 1e-6}.get(case["kind"], 1e-8)  # their Gramians are nearly singular
    torch.testing.assert_close(weights @ rows, double(expected["grad"]), rtol=tolerance, atol=tolerance * scale)
    if (file["method"], file["source"]) != ("gradvac", "LibMTL"):  # which records the weights of the heads
        torch.testing.assert_close(weights, double(expected["weights"]), rtol=tolerance, atol=tolerance)


@pytest.mark.parametrize(("file", "case"), [c for c in golden_sequences("gradvac_seq") if c.values[1]["T"] == 2])
def test_golden_of_a_memory(file, case):
    weighter = TorchJD(2, "GradVac", {"beta": file["hyperparameters"]["beta"]})
    for rows, expected in zip(double(case["J"]), case["expected"], strict=True):
        update = weights_of(weighter, rows) @ rows
        torch.testing.assert_close(update, double(expected["grad"]), rtol=1e-10, atol=1e-10)
        (memory,) = (value for value in weighter.weighting.buffers() if value.shape == (2, 2))
        torch.testing.assert_close(memory.double(), double(expected["phi"]), rtol=1e-10, atol=1e-10)
