import pandas as pd
import pytest

from mtl.report.names import SETTING
from mtl.report.numbers.probe import starvation

PLACE = dict.fromkeys(SETTING, "")


def line(method, seed, value, weight=1.0, variant="", task="edge"):
    own = {"method": method, "variant": variant, "seed": seed, "task": task}
    own |= {"metric": "rmse" if task == "depth" else "ods_f", "higher_is_better": task != "depth"}
    return PLACE | own | {"value": value, "weight": weight}


def test_loss_is_a_share_of_the_probes_loss_of_the_same_seed():
    lines = [line("Single-task", 0, 60), line("Single-task", 1, 50)]
    lines += [line("Uniform", 0, 45), line("Uniform", 1, 40)]
    lines += [line("Grid Search", 0, 40, 0, "edge 0"), line("Grid Search", 1, 40, 0, "edge 0")]
    (text,) = starvation(pd.DataFrame(lines), ["Uniform", "AvgNorm"])
    assert text.startswith("Probe: with weight 0, edge learns from an encoder that only the others train: odsF 40.00 %")
    assert text.endswith("compared with 55.00 alone. Of this loss, Uniform loses 88 ± 18 %.")


def test_errors_are_losses_the_other_way_round():
    lines = [line("Single-task", 0, 0.5, task="depth"), line("Uniform", 0, 0.6, task="depth")]
    lines += [line("Grid Search", 0, 0.9, 0, "depth 0", task="depth")]
    assert starvation(pd.DataFrame(lines), ["Uniform"])[0].endswith("Of this loss, Uniform loses 25 %.")


@pytest.mark.parametrize("probe", [69.56, 68.2])
def test_of_next_to_no_loss_no_shares_are_given(probe):
    lines = [line("Single-task", 0, 69.44), line("Uniform", 0, 70.08), line("Grid Search", 0, probe, 0, "edge 0")]
    assert starvation(pd.DataFrame(lines), ["Uniform"])[0].endswith(
        "too little lost to say what share of it a method loses."
    )


def test_without_methods_the_probe_alone_is_given():
    lines = [line("Single-task", 0, 60), line("Grid Search", 0, 40, 0, "edge 0")]
    assert starvation(pd.DataFrame(lines), ["Uniform"])[0].endswith("odsF 40.00 % compared with 60.00 alone.")


def test_without_a_probe_or_a_single_task_network_nothing_is_said():
    assert starvation(pd.DataFrame([line("Single-task", 0, 60), line("Uniform", 0, 45)]), ["Uniform"]) == []
    assert starvation(pd.DataFrame([line("Grid Search", 0, 60, 0)]), ["Uniform"]) == []
