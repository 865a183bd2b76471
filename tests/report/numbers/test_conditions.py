import pytest

from mtl.report.numbers.conditions import differing_conditions, partly_evaluated, with_skipped_steps

BOTH = {"semseg": 40, "depth": 0.5}
CPU = {
    "device": "cpu (EPYC, 2 cores)",
    "cpu": "EPYC, model 1",
    "cpu_capability": "AVX512",
    "threads": 1,
    "code": "0a1b2c",
    "packages": {"torch": "2.15.0"},
}


@pytest.fixture
def note(make_run):
    """The note on runs of Uniform at some seeds and of the given methods, in the given environments, on given data."""

    def make(*others, data=None, seeds=2):
        runs = [make_run("uniform", BOTH, seed=seed, environment=CPU, data=files()) for seed in range(seeds)]
        for name, changes in others:
            runs.append(make_run(name, BOTH, environment=CPU | changes, data=files() if data is None else data))
        return differing_conditions(runs)

    return make


def files(images=8, **changes):
    return {"train": {"images": images, "fingerprint": {"image": "1", "depth": "2"} | changes}}


def test_equal_conditions_have_no_note(note):
    assert note(("avgnorm", {"commit": "of a document", "python": "3.12"})) == []


@pytest.mark.parametrize(
    ("changes", "named"),
    [
        ({"cpu_capability": "AVX2"}, "CPU capability: AVX512 (2 runs), AVX2 (1: AvgNorm)"),
        ({"code": "ffffff"}, "code: 0a1b2c (2 runs), ffffff (1: AvgNorm)"),
        ({"threads": 4}, "CPU threads: 1 (2 runs), 4 (1: AvgNorm)"),
        ({"device": "cuda (H200)"}, "device: EPYC, model 1 (2 runs), cuda (H200) (1: AvgNorm)"),
        ({"cpu": "EPYC, model 17"}, "device: EPYC, model 1 (2 runs), EPYC, model 17 (1: AvgNorm)"),
        ({"packages": {"torch": "2.16.0"}}, "torch: 2.15.0 (2 runs), 2.16.0 (1: AvgNorm)"),
    ],
)
def test_deviating_run_is_named_with_its_condition(note, changes, named):
    (line,) = note(("avgnorm", changes))
    assert line == f"The runs differ in {named}. This can change a result as much as another seed does."


def test_processor_of_a_gpu_run_does_not_count(note):
    gpu = {"device": "cuda (H200)"}
    assert "model" not in note(("avgnorm", gpu), ("famo", gpu | {"cpu": "Xeon"}))[0].replace(CPU["cpu"], "")


def test_old_record_is_read_and_says_nothing_of_what_it_lacks(make_run):
    old = {"device": "cpu (EPYC, 2 cores)", "threads": 1, "commit": "0123"}
    runs = [make_run(name, BOTH, environment=old) for name in ("uniform", "avgnorm")]
    assert differing_conditions(runs) == []
    (line,) = differing_conditions([*runs, make_run("famo", BOTH, environment=CPU, data=files())])
    assert "code: not recorded (2 runs), 0a1b2c (1: FAMO)" in line


def test_run_that_resumed_elsewhere_deviates(make_run):
    runs = [make_run("uniform", BOTH, environment=CPU)]
    runs.append(make_run("avgnorm", BOTH, environment=CPU, earlier_environments=[CPU | {"cpu_capability": "AVX2"}]))
    (line,) = differing_conditions(runs)
    assert "differ in CPU capability: AVX512 (1 runs), AVX2, then AVX512 (1: AvgNorm). " in line


def test_other_files_are_named_by_split_and_label(note):
    (line,) = note(("avgnorm", {}), data=files(depth="3"))
    assert line.startswith("The runs differ in data files: train depth (others for AvgNorm). ")


@pytest.mark.parametrize("data", [files(edge="3"), files(images=3, image="4", depth="5")], ids=["label", "images"])
def test_labels_and_images_that_only_one_run_reads_are_not_compared(note, data):
    assert note(("avgnorm", {}), data=data) == []


def test_long_list_of_methods_is_cut(note):
    names = ["avgnorm", "famo", "dwa", "uw", "rlw"]
    (line,) = note(*((name, {"threads": 2}) for name in names), seeds=6)
    assert "1 (6 runs), 2 (5: AvgNorm, FAMO, DWA and 2 more)" in line


def test_note_says_how_many_validation_images_were_scored(make_run):
    runs = [make_run("uniform", BOTH, seed=seed, data={"val": {"images": 200, "of": 2000}}) for seed in range(2)]
    assert partly_evaluated(runs) == ["Evaluations during training score 200 of 2000 validation images."]
    assert partly_evaluated([make_run("avgnorm", BOTH, data={"val": {"images": 200}})]) == []


def test_runs_with_more_than_one_percent_of_skipped_steps_are_named(make_run):
    runs = [make_run("uniform", BOTH, seed=seed, steps=200, skipped_steps=number) for seed, number in enumerate((2, 3))]
    (line,) = with_skipped_steps(runs)
    assert line.endswith(f"{runs[1].folder.parent.name}/seed1 (3 of 200 steps).")
    assert with_skipped_steps([*runs[:1], make_run("avgnorm", BOTH)]) == []
