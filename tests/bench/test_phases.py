import pytest
import torch
from tiny import tiny

from mtl import build
from mtl.bench.phases import PHASES, Phases, measure
from mtl.engine import accumulation, heads

CPU = torch.device("cpu")


def test_whole_steps_are_timed_before_phases(monkeypatch):
    phases, now = Phases(CPU, skipped=1, whole=2), [0.0]
    monkeypatch.setattr(phases, "_now", lambda: now[0])

    def step(**seconds):
        for phase in PHASES:
            now[0] += seconds.get(phase, 1.0)
            if phase == "data":
                phases.lap("data")
            elif phase == "optimizer":
                phases.lap("training")
            else:
                phases.end(phase)

    step(data=100)
    step(heads=2)  # 7 s
    step(heads=4)  # 9 s
    assert phases.step_seconds == 8
    step(heads=3)
    step(encoder=7)
    phases.lap("evaluation")
    assert phases.seconds == dict.fromkeys(PHASES, 2) | {"heads": 4, "encoder": 8}
    assert phases.shares()["encoder_share"] == 0.4


@pytest.mark.parametrize(
    "words", [("weighter=avgnorm",), ("model=mtan", "backbone=resnet_narrow")], ids=["avgnorm", "mtan"]
)
def test_every_phase_of_a_run_is_found(words, tmp_path):
    cfg = build.compose(tiny(tmp_path, *words, "subset=[depth,edge]", "logging.gradient_statistics.every=0"))
    before = accumulation.differentiate, accumulation.decide, accumulation.apply, heads.HeadGraph.differentiate_sum
    found = measure(build.build_trainer(cfg, tmp_path), skipped=1, whole=1)
    after = accumulation.differentiate, accumulation.decide, accumulation.apply, heads.HeadGraph.differentiate_sum
    assert after == before
    assert sum(found[f"{phase}_share"] for phase in PHASES) == pytest.approx(1)
    assert all(found[f"{phase}_share"] > 0 for phase in PHASES)
    assert min(found[f"{phase}_share"] for phase in ("forward", "heads", "encoder")) > 0.03  # none is a mere call
    assert found["images_per_second"] > 0
