"""Experiments of configs/experiment: the runs that their plans stand for."""

import re
from collections.abc import Sequence
from pathlib import Path

import pytest
from hydra._internal.core_plugins.basic_sweeper import BasicSweeper
from hydra.core.override_parser.overrides_parser import OverridesParser
from omegaconf import OmegaConf

from mtl import build
from mtl.build.data import build_dataset
from mtl.build.keys import Plan
from mtl.experiment import Experiment, datasets, finished, of_make, swept, variant
from mtl.report.names import DATASETS, SETTING, method_of, setting_of
from mtl.report.read.runs import Run
from mtl.report.read.scores import paper_scores

ROOT = Path(__file__).parents[1]
PLANS = {
    path.stem: plan
    for path in sorted((ROOT / "configs" / "experiment").glob("*.yaml"))
    if "runs" in (plan := OmegaConf.load(path).get("plan", {}))
}
JOBS = {  # of each line of the plan
    ("table2", "nyud"): [4, 4, 15, 15, 6, 7, 6, 7],  # the last four: searches of GradNorm's alpha and DWA's temperature
    ("table2", "pascal_context"): [5, 5, 15, 15, 6, 7, 6, 7],
    ("table3", "nyud"): [4, 15, 6, 7],
    ("table4", "nyud"): [4, 20, 4, 12, 2],  # 28 single-task networks and 14 others
    ("table4", "pascal_context"): [5, 25, 5, 12, 2],
    ("table5", "replica"): [3, 1, 3, 1, 18, 6],
    ("table6", "nyud"): [4, 2, 2],
    ("table7", "pascal_context"): [5, 2, 2],
    ("figure4", "nyud"): [4, 8, 2, 4, 4, 4, 4, 2, 2, 2],
    ("figure4", "pascal_context"): [5, 10, 2, 4, 5, 5, 5, 2, 2, 2],
    ("figures", "nyud"): [4, 5],
    ("figures", "pascal_context"): [5, 5],
    ("controls", "nyud"): [4, 6, 2],
    ("controls", "pascal_context"): [5, 6, 2],
    ("grid", "nyud"): [4, 2, 24],
    ("grid", "pascal_context"): [5, 2, 54],
    ("architectures", "rooms"): [3, 7, 2, 7, 2, 1, 1],
    ("demo", "rooms"): [4, 3],
    ("weighters", "rooms"): [4, 30],
    ("study_rooms_nyud", "rooms_nyud"): [4, 5, 4, 5, 4, 2, 1],
    ("long_rooms_nyud", "rooms_nyud"): [4, 4],
    ("longest_rooms_nyud", "rooms_nyud"): [4, 2],
    ("search_rooms_nyud", "rooms_nyud"): [4, 2, 12, 6],
    ("adam_rooms_nyud", "rooms_nyud"): [4, 4, 1, 1, 4],
    ("mtan_rooms_nyud", "rooms_nyud"): [4, 1, 4, 4],
    ("study_rooms_pascal", "rooms_pascal"): [5, 5, 3],
    ("study_rooms_replica", "rooms_replica"): [3, 1, 3, 1, 18, 6],
    ("study_camvid", "camvid"): [2, 4, 1, 2, 2],
    ("search_camvid", "camvid"): [2, 2, 5],
}
TABLES = {  # name and dataset -> rows that the paper prints, and the methods that the plan has besides
    ("table2", "nyud"): (30, {"AvgNorm"}),
    ("table4", "nyud"): (21, set()),
    ("table5", "replica"): (16, set()),
    ("table6", "nyud"): (4, {"Single-task"}),
    ("table7", "pascal_context"): (4, {"Single-task"}),
}


def experiment(name: str, dataset: str, *words: str) -> Experiment:
    return Experiment([f"experiment={name}", f"dataset={dataset}", *words])


def planned(*lines: str, name: str = "table2", dataset: str = "rooms", words: Sequence[str] = ()) -> Experiment:
    """An experiment whose plan is these lines."""
    quoted = ",".join(f'"{line}"' for line in lines)
    return experiment(name, dataset, *words, f"plan.runs=[{quoted}]")


def test_keys_of_a_plan_are_explained():
    text = (ROOT / "CONTRIBUTING.md").read_text()
    table = text.partition("| key | what it is |")[2].partition("\n\n")[0]
    told = re.findall(r"`(\w+)`", "".join(line.split("|")[1] for line in table.strip().splitlines()))
    assert sorted(told) == sorted(Plan.__annotations__)


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("~plan.runs", "no plan: name an experiment that has one"),
        ("plan.runs=[]", "plan.runs=[]: use a list of 1 or more"),
        ("plan.figure=[unifrm]", "plan.figure: there is no weighter unifrm; did you mean uniform?"),
        ("+plan.search=grid_serch", "plan.search: there is no weighter grid_serch; did you mean grid_search?"),
        ("+plan.best_of={gradnrm: alpha}", "plan.best_of: there is no weighter gradnrm; did you mean gradnorm?"),
        ("+plan.paper=VIII", "plan.paper=VIII: use II or III or IV"),
        ("+plan.curves=[gradient/nrm]", "plan.curves=[gradient/nrm]: use a list, each gradient/norm or"),
        ("plan.runs=subset", "plan.runs=subset: use a list"),
        ("+plan.learning=3", "plan.learning=3: use true or false"),
        ("plan.figure=true", "plan.figure=true: use a list, each text, or false, or null"),
        ('plan.runs=["subset={taks}"]', "plan.runs: plan.words has no taks; did you mean tasks?"),
    ],
)
def test_wrong_plan_is_refused(word, line):
    with pytest.raises(ValueError, match=re.escape(line)):
        experiment("demo", "rooms", word).jobs()


def test_no_plan_is_overlooked():
    assert {(name, dataset) for name, plan in PLANS.items() for dataset in plan.get("datasets", ["rooms"])} == set(JOBS)


@pytest.mark.parametrize(("name", "dataset"), JOBS, ids=map("_".join, JOBS))
def test_plan_expands_for_each_of_its_datasets(name, dataset):
    made = experiment(name, dataset)
    sweeps = [swept(line) for line in made.lines()]
    assert made.name == (name if name.endswith(f"_{dataset}") else f"{name}_{dataset}")
    assert [len(sweep) for sweep in sweeps] == JOBS[name, dataset]
    words = [words for sweep in sweeps for words in sweep]
    assert len(set(words)) == len(words)
    assert not any(mark in word for line in words for word in line for mark in "{}")


@pytest.mark.parametrize(("dataset", "name"), [("rooms", "study_rooms"), ("nyud", "study_rooms_nyud")])
def test_name_of_an_experiment_has_the_dataset_once(tmp_path, dataset, name):
    (tmp_path / "experiment").mkdir()
    (tmp_path / "experiment" / "study_rooms.yaml").write_text("# @package _global_\nplan: {runs: [subset=depth]}\n")
    made = experiment("study_rooms", dataset, f"hydra.searchpath=[{tmp_path}]")
    assert made.name.rpartition("-")[0] == name  # then a hash, for the word about the folder


AGAIN = {"table2": 4}  # defaults that a search has once more
LONG = {"table2", "table4", "table5"}  # a quarter of a second a job


@pytest.mark.parametrize(
    ("name", "dataset"), [pytest.param(*key, marks=[pytest.mark.slow] * (key[0] in LONG), id=key[0]) for key in TABLES]
)
def test_every_row_of_the_table_has_its_jobs_and_every_job_its_folder(name, dataset):
    """With two tasks, as a job takes a quarter of a second."""
    made = experiment(name, dataset, "subset=[semseg,normals]")
    jobs = [job for line in made.jobs() for job in line]
    assert len({job.folder for job in jobs}) == len(jobs) == made.count()
    assert len(jobs) == sum(len(swept(line)) for line in made.lines()) - AGAIN.get(name, 0)
    assert {job.folder.parent for job in jobs} == {Path("results/runs")}
    assert {job.config["dataset"]["name"] for job in jobs} == {dataset}
    assert all((job.variant != "") <= (job.config["weighter"]["name"] in made.plan.get("best_of", {})) for job in jobs)
    planned = {(*setting_of(job.config), method_of(job.config)) for job in jobs}
    paper = paper_scores(ROOT / "results" / "paper")
    here = paper[(paper["table"] == made.plan["paper"]) & (paper["dataset"] == DATASETS[dataset])]
    printed = set(here[[*SETTING, "method"]].itertuples(index=False, name=None))
    count, more = TABLES[name, dataset]
    assert len(printed) == count
    assert printed <= planned
    assert {row[-1] for row in planned - printed} == more


@pytest.mark.parametrize("name", ["table2", "table3"])
def test_hyper_parameters_are_searched_where_the_paper_does(name):
    """Appendix, Others. The searches come last, so that a table with the defaults is there before."""
    made = experiment(name, "nyud")
    assert made.plan["best_of"] == {"gradnorm": "alpha", "dwa": "temperature"}
    expected = {
        ("weighter=gradnorm", "weighter.method.alpha=0.1,0.2,0.5,1,1.5,2"),
        ("weighter=dwa", "weighter.method.temperature=0.5,1,1.5,2,2.5,3,4"),
    }
    searches = [line for line in made.lines() if any(word.startswith("weighter.method.") for word in line)]
    assert made.lines()[-len(searches) :] == searches
    assert {line[-2:] for line in searches} == expected
    assert [line[:-2] for line in searches] == [(), ()] + [("model=mtan",)] * 2 * (name == "table2")


def test_small_trial_searches_two_values_of_which_one_is_the_default():
    made = experiment("[table3,small]", "rooms")
    jobs = [[made._job(words) for words in swept(line)] for line in made.lines()[-2:]]
    assert [[job.variant for job in line] for line in jobs] == [["alpha 0.5", ""], ["temperature 1", ""]]


def test_every_weighter_is_in_the_plan_of_weighters():
    weighters = [word.partition("=")[2] for (word,) in experiment("weighters", "rooms").networks()[1]]
    assert sorted(weighters) == sorted(path.stem for path in (ROOT / "configs" / "weighter").glob("*.yaml"))


@pytest.mark.parametrize(
    ("name", "dataset", "count"),
    [("table2", "nyud", 60), ("table2", "rooms", 42), ("grid", "rooms", 10), ("demo", "rooms", 7)],
)
def test_networks_of_make_are_counted_without_those_that_say_a_default(name, dataset, count):
    assert of_make(name, dataset).count() == count


def test_table_iii_has_the_rows_of_table_ii_with_another_backbone():
    paper = paper_scores(ROOT / "results" / "paper")
    vanilla = paper[(paper["dataset"] == "NYUD-v2") & (paper["architecture"] == "Vanilla")]
    printed = [set(vanilla.loc[vanilla["table"] == table, "method"]) for table in ("II", "III")]
    assert printed[0] == printed[1]
    made = experiment("table3", "nyud")
    assert made.lines() == [line for line in experiment("table2", "nyud").lines() if "model=mtan" not in line]
    assert setting_of(build.science(made.cfg)) == ("NYUD-v2", "ResNet-50", "Vanilla", "", "")


@pytest.mark.parametrize("name", ["table2", "table4"])
def test_pascal_context_has_the_rows_of_nyud(name):
    """Those that the paper prints, and those of the plan but for tasks and image sizes."""
    paper = paper_scores(ROOT / "results" / "paper")
    here = paper[paper["table"] == PLANS[name].paper]
    printed = [
        set(here.loc[here["dataset"] == dataset, [*SETTING[1:], "method"]].itertuples(index=False, name=None))
        for dataset in ("NYUD-v2", "PASCAL-Context")
    ]
    assert printed[0] == printed[1]
    lines = [
        [[w for w in line if not w.startswith(("subset=", "dataset."))] for line in experiment(name, dataset).lines()]
        for dataset in ("nyud", "pascal_context")
    ]
    assert lines[0] == lines[1]


@pytest.mark.parametrize(
    ("dataset", "tasks"),
    [
        ("nyud", "semseg,depth,normals,edge"),
        ("pascal_context", "semseg,human_parts,normals,saliency,edge"),
        ("replica", "semseg,depth,normals"),
    ],
)
def test_single_tasks_are_those_of_the_dataset(dataset, tasks):
    assert experiment("table2", dataset).lines()[0] == (f"subset={tasks}",)


def test_single_tasks_are_those_of_the_command_line():
    made = experiment("table2", "rooms", "subset=[edge,depth]")
    assert made.lines()[0] == ("subset=depth,edge",)
    jobs = planned("subset={tasks}", "weighter=uniform", words=["subset=[edge,depth]"]).jobs()
    assert [[job.config["subset"] for job in line] for line in jobs] == [[["depth"], ["edge"]], [["depth", "edge"]]]


def test_words_of_the_command_line_belong_to_every_job(tmp_path):
    job = planned("subset=depth", words=["recipe.steps=7", f"results={tmp_path}"]).jobs()[0][0]
    assert job.config["recipe"]["steps"] == 7
    assert job.folder.parent == tmp_path / "runs"
    assert job.words[-1] == "subset=depth"
    assert build.run_folder(build.compose([*job.words, "seed=3"])) == job.folder / "seed3"


def test_job_in_two_lines_counts_in_the_first():
    lines = planned("subset=depth,edge", "subset=edge,normals", "subset=depth").jobs()
    assert [[job.config["subset"] for job in line] for line in lines] == [[["depth"], ["edge"]], [["normals"]], []]


def test_dataset_that_a_plan_has_no_words_for_is_refused_by_name():
    made = experiment("table4", "replica")
    with pytest.raises(ValueError, match=r"words\.patch14 has nothing for dataset=replica, only for nyud, pascal_cont"):
        made.lines()


@pytest.mark.parametrize("words", [["dataset=rooms"]])
def test_without_a_plan_there_is_no_experiment(words):
    with pytest.raises(ValueError, match="no plan: name an experiment that has one"):
        Experiment(words)


@pytest.mark.parametrize(
    ("line", "variants"),
    [
        ("weighter=gradnorm weighter.method.alpha=0.5,1.5", ["alpha 0.5", ""]),
        ("weighter=dwa weighter.method.temperature=2,4", ["", "temperature 4"]),
        ("weighter=avgnorm weighter.scope=last_layer,features", ["", "scope features"]),
        ("weighter=dwa recipe.optimizer.lr=1e-3,2e-3", ["lr 0.001", "lr 0.002"]),
        ("weighter=dwa recipe.steps=7", [""]),  # not of the weighter
    ],
)
def test_variant_is_empty_where_the_words_say_the_default(line, variants):
    assert [job.variant for job in planned(line).jobs()[0]] == variants


def test_two_networks_of_one_row_are_refused_by_their_words():
    with pytest.raises(ValueError, match=r"recipe.steps=7 and .*recipe.steps=6; only words about the weighter"):
        planned("weighter=uniform recipe.steps=6,7").jobs()
    assert len(planned("weighter=uniform", "weighter=uniform logging.feature_distance=true").jobs()) == 2  # one network


GRID = "++weighter.method.weights.semseg=1 ++weighter.method.weights.depth=1 ++weighter.method.weights.normals=2"


def test_grid_has_the_weights_of_the_paper_inside_as_no_variant():
    grid = swept(experiment("grid", "nyud").lines()[-1])
    chosen = ("weighter=grid_search", *GRID.split(), "++weighter.method.weights.edge=50")
    assert chosen in grid
    jobs = planned(f"weighter=grid_search {GRID} ++weighter.method.weights.edge=50,100", dataset="nyud").jobs()[0]
    assert [job.variant for job in jobs] == ["", "semseg 1, depth 1, normals 2, edge 100"]
    plain = planned("weighter=grid_search", dataset="nyud").jobs()[0][0]
    assert jobs[0].folder == plain.folder


def test_mapping_of_weights_is_the_run_of_the_grid():
    """A search ends with such a mapping."""
    mapping = "'weighter.method.weights={semseg:1,depth:1,normals:2,edge:100}'"
    lines = planned(
        f"weighter=grid_search {GRID} ++weighter.method.weights.edge=100",
        f"weighter=grid_search {mapping}",
        dataset="nyud",
    ).jobs()
    assert lines[0][0].folder == lines[1][0].folder


def test_words_about_the_weighter_are_written_for_people():
    assert variant(["weighter.method.alpha=0.5", "++weighter.method.weights.edge=20"]) == "alpha 0.5, edge 20"


@pytest.mark.parametrize(
    "line",
    [
        ["weighter=uniform,avgnorm", "seed=0,1,2"],
        ["subset=[depth,edge],semseg", "recipe.optimizer.lr=1e-3,1e-4"],
        ["weighter.method.weights={semseg:1,depth:2}", "model=mtan"],
        ["results='a,b','c d'", "data='one, two'"],
        ["++weighter.method.weights.edge=20,50", "+new=1"],
    ],
)
def test_sweep_expands_as_hydra_does(line):
    overrides = OverridesParser.create().parse_overrides(line)
    assert [list(words) for words in swept(line)] == BasicSweeper.split_arguments(overrides, None)[0]


def test_quoted_words_of_a_plan_stay_whole():
    line = planned("weighter=grid_search 'weighter.method.weights={semseg:1, depth:2}'").lines()[0]
    assert line == ("weighter=grid_search", "weighter.method.weights={semseg:1, depth:2}")


def run_of(job, **record):
    return {job.folder / "seed0": Run(job.folder / "seed0", record)}


@pytest.mark.parametrize(
    ("scope", "every", "distance", "counts"),
    [
        ("last_layer", 1, True, True),
        ("last_layer", 10, True, False),
        ("last_layer", 0, True, False),  # never
        ("shared", 1, True, False),
        ("last_layer", 1, False, False),
    ],
)
def test_run_that_has_noted_too_little_does_not_count(scope, every, distance, counts):
    job = planned("weighter=uniform logging.feature_distance=true", name="figures").jobs()[0][0]
    runs = run_of(job, gradient_statistics={"scope": scope, "every": every}, feature_distance=distance)
    assert (job.run(runs, 0) is not None) == counts
    assert job.run(runs, 1) is None


def test_run_of_an_older_record_has_noted_no_distances():
    asked, single = (line[0] for line in planned("logging.feature_distance=true", "subset=edge", name="figures").jobs())
    record = {"gradient_statistics": {"scope": "last_layer", "every": 1}}
    assert asked.run(run_of(asked, **record), 0) is None
    assert single.run(run_of(single, **record), 0) is not None


def test_run_of_a_plan_that_asks_for_no_notes_always_counts():
    job = planned("weighter=uniform logging.feature_distance=true").jobs()[0][0]
    assert job.run(run_of(job, gradient_statistics={"scope": "shared", "every": 0}), 0) is not None


def test_finished_runs_are_found_by_their_folders(tmp_path, monkeypatch):
    folder = tmp_path / "runs" / "rooms-1" / "seed0"
    folder.mkdir(parents=True)
    assert finished(tmp_path) == {}
    (folder / "record.json").write_text("{}")
    monkeypatch.setattr("mtl.report.read.runs.read_record", lambda _: {"seed": 0})
    assert finished(tmp_path) == {folder: Run(folder, {"seed": 0})}


@pytest.mark.parametrize(
    ("words", "expected"),
    [
        (["experiment=table2"], ["nyud", "pascal_context"]),
        (["experiment=table2", "dataset=replica"], ["replica"]),
        (["experiment=[table2,small]"], ["rooms"]),
        (["experiment=architectures"], ["rooms"]),
    ],
)
def test_datasets_are_the_given_one_or_those_of_the_plan(words, expected):
    assert datasets(words) == expected


@pytest.mark.parametrize(
    "name",
    ["grid", *(pytest.param(name, marks=pytest.mark.slow) for name in ("table4", "table5", "figure4", "controls"))],
)
def test_small_trial_on_rooms_can_run_every_line(name, tmp_path):
    made = experiment(f"[{name},small]", "rooms", f"data={tmp_path}", f"results={tmp_path}")
    assert made.name == f"{name}_rooms"
    for line in made.lines():
        cfg = build.compose([*made.words, *swept(line)[-1]])
        assert cfg.recipe.steps == 40
        assert build.run_folder(cfg).parent.name.startswith("rooms_")
        build_dataset(cfg, "train", build.subset(cfg))  # with the noise or the images of the line


def test_trial_with_other_words_takes_no_name_of_a_result(tmp_path):
    same = experiment("table6", "nyud", f"results={tmp_path}", "device=cpu", "logger=csv")
    assert same.name == "table6_nyud"
    names = {experiment("table6", "nyud", *words).name for words in (["recipe.steps=4"], ["recipe.steps=5"])}
    assert len(names) == 2
    assert all(name.startswith("table6_nyud-") for name in names)
