from io import StringIO
from pathlib import Path

import pandas as pd
import pytest
from fake_runs import config_of

from mtl.report.outputs import printed, render
from mtl.report.read.curves import read_curves
from mtl.report.read.scores import read_scores

PAPER = Path(__file__).parents[2] / "results" / "paper"
BOTH = {"semseg": 40, "depth": 0.5}
NYUD = {"dataset": {"name": "nyud"}, "backbone": {"name": "resnet18"}}


def single(task, changes):
    return config_of("uniform", [task]) | changes


@pytest.fixture
def trained(make_run):
    """Runs and jobs of single-task networks, Uniform and AvgNorm; gains of the latter +5, +20, Uniform's -5, +10."""

    def make(**changes):
        runs = [
            make_run("uniform", {"semseg": 40}, config=single("semseg", changes)),
            make_run("uniform", {"depth": 0.5}, config=single("depth", changes)),
        ]
        for name, scores in {"uniform": (38, 0.45), "avgnorm": (42, 0.4)}.items():
            config = config_of(name, list(BOTH)) | changes
            runs.append(make_run(name, dict(zip(BOTH, scores, strict=True)), config=config))
        return runs, [(run.config, "") for run in runs]

    return make


def rendered(runs, jobs, name="table2_rooms", **plan):
    return render(name, plan, runs, jobs, PAPER)


def table_of(files, name="table2_rooms"):
    return pd.read_csv(StringIO(files[f"tables/{name}.csv"]), keep_default_na=False, na_values=[""])


def test_experiment_leaves_its_summary_and_its_table_in_three_forms(trained):
    files, text = rendered(*trained())
    assert list(files) == [
        *("summary/table2_rooms.csv", "tables/table2_rooms.csv", "tables/table2_rooms.tex", "tables/table2_rooms.md")
    ]
    assert all(content.endswith("\n") for content in files.values())
    assert table_of(files)["ours/delta_m"].tolist() == pytest.approx([0, 2.5, 12.5])
    assert files["tables/table2_rooms.tex"].startswith("% rooms, tiny, Vanilla\n\n\\begin{tabular}")
    assert "## rooms, tiny, Vanilla\n\n| method" in files["tables/table2_rooms.md"]
    assert "AvgNorm" in text
    assert "+12.50*" in text


def test_table_can_be_made_from_the_summary(trained, tmp_path):
    files, _ = rendered(*trained())
    (tmp_path / "table2_rooms.csv").write_text(files["summary/table2_rooms.csv"])
    found = read_scores(tmp_path)
    assert found[["method", "task", "value"]].to_numpy().tolist() == [
        *(["Uniform", "semseg", 38], ["Uniform", "depth", 0.45]),
        *(["Single-task", "depth", 0.5], ["Single-task", "semseg", 40]),
        *(["AvgNorm", "semseg", 42], ["AvgNorm", "depth", 0.4]),
    ]


def test_page_says_in_what_the_runs_differ(trained, make_run):
    runs, jobs = trained()
    assert "The runs differ" not in rendered(runs, jobs)[0]["tables/table2_rooms.md"]
    runs.append(make_run("avgnorm", BOTH, seed=1, device="cpu (other)"))
    files, text = rendered(runs, jobs)
    assert text.count("The runs differ in device: ") == 1
    assert (
        files["tables/table2_rooms.md"].count("\n- The runs differ in device: cpu (x86_64) (4 runs), cpu (other)") == 1
    )


def test_every_row_leads_to_its_run_and_its_command(trained, make_run):
    runs, jobs = trained()
    runs.append(make_run("avgnorm", BOTH, seed=1))
    page = rendered(runs, jobs)[0]["tables/table2_rooms.md"]
    origins = page.partition("## Runs\n")[2].strip().splitlines()[2:]
    assert origins == [
        "- tiny, Vanilla: Uniform: `rooms_tiny_vanilla_uniform_semseg-depth-00000002`, seeds 0: "
        "`python train.py weighter=uniform subset=[semseg,depth] seed=0`",
        "- tiny, Vanilla: Single-task depth: `rooms_tiny_vanilla_uniform_depth-00000001`, seeds 0: "
        "`python train.py weighter=uniform subset=[depth] seed=0`",
        "- tiny, Vanilla: Single-task semseg: `rooms_tiny_vanilla_uniform_semseg-00000001`, seeds 0: "
        "`python train.py weighter=uniform subset=[semseg] seed=0`",
        "- tiny, Vanilla: AvgNorm: `rooms_tiny_vanilla_avgnorm_semseg-depth-00000002`, seeds 0, 1: "
        "`python train.py weighter=avgnorm subset=[semseg,depth] seed=0`",
    ]


def test_page_says_where_its_numbers_come_from(trained, make_run):
    runs, jobs = trained()
    edges = make_run("uniform", {"edge": 60})
    page = rendered([*runs, edges], [*jobs, (edges.config, "")])[0]["tables/table2_rooms.md"]
    assert page.splitlines()[:3] == [
        "# table2_rooms",
        "",
        "steps 20; device cpu (x86_64); commit 0123456789; protocol edge=rooms; seeds 0.",
    ]
    assert "- Δm: mean gain over tasks, relative to the single-task networks (tiny, Vanilla) of the same seed" in page


def test_notes_of_the_plan_come_first(trained):
    files, text = rendered(*trained(), notes=["These numbers mean nothing."])
    assert "\n- These numbers mean nothing.\n- Values: one seed" in files["tables/table2_rooms.md"]
    assert "\nThese numbers mean nothing.\nValues: one seed" in text


def test_papers_values_are_next_to_ours(trained):
    runs, jobs = trained(**NYUD)
    table = table_of(rendered(runs, jobs, paper="II")[0])
    assert table["method"].tolist() == ["Single-task", "Uniform", "AvgNorm"]
    assert table["paper/semseg"].tolist()[:2] == [39.38, 39.70]
    assert table["difference/semseg"].tolist()[:2] == pytest.approx([0.62, -1.7])
    assert pd.isna(table["paper/semseg"][2])  # AvgNorm is in Table VI


def test_single_task_networks_of_table_vi_are_those_of_table_ii(trained):
    runs, jobs = trained(**NYUD)
    table = table_of(rendered(runs, jobs, paper="VI")[0])
    assert table["paper/semseg"].isna().tolist() == [False, True, False]
    assert table["paper/semseg"].tolist()[::2] == [39.38, 40.04]
    assert table["printed/depth"].tolist()[2] == 2.47


def test_misprinted_delta_m_of_a_row_is_noted(trained, make_run):
    resnet50 = NYUD | {"backbone": {"name": "resnet50"}}
    runs, jobs = trained(**resnet50)
    page = rendered(runs, jobs, paper="III")[0]["tables/table2_rooms.md"]
    assert "Paper, III/" not in page
    jobs.append((config_of("uw", list(BOTH)) | resnet50, ""))
    page = rendered(runs, jobs, paper="III")[0]["tables/table2_rooms.md"]
    assert "\n- Paper, III/NYUD-v2/UW: Δm is printed as -0.76; shown is -0.51, from its cells.\n" in page


def test_printed_numbers_are_of_the_rows_alone():
    row = ("NYUD-v2", "ResNet-18", "Vanilla", "", "")
    found = printed(PAPER, "II", [(*row, "Uniform", ""), (*row, "UW", "temperature 1")])
    assert found["source"].unique().tolist() == ["II/NYUD-v2/Vanilla/Uniform"]
    assert printed(PAPER, None, [(*row, "Uniform", "")]).empty
    assert len(printed(PAPER, None, [(*row, "Single-task", "")])) == 4


def test_rows_of_the_plan_that_have_no_run_are_there(trained, make_run):
    runs, jobs = trained()
    table = table_of(rendered(runs, [*jobs, (config_of("uw", list(BOTH)), "")])[0])
    assert table["method"].tolist()[-1] == "UW"
    assert table["runs/seeds"].tolist() == [1, 1, 1, 0]


def test_variant_of_a_job_reaches_table_and_summary(trained, make_run):
    runs, jobs = trained()
    config = config_of("dwa", list(BOTH)) | {"weighter": {"name": "dwa", "method": {"temperature": 1}}}
    runs.append(make_run("dwa", BOTH, config=config))
    files, _ = rendered(runs, [*jobs, (config, "temperature 1")])
    assert table_of(files)["variant"].fillna("").tolist() == ["", "", "", "temperature 1"]
    assert ",DWA,temperature 1," in files["summary/table2_rooms.csv"]
    assert "- tiny, Vanilla: DWA (temperature 1): `rooms_tiny_vanilla_dwa_" in files["tables/table2_rooms.md"]


def test_curves_are_of_the_asked_keys_alone(trained, tmp_path):
    files, _ = rendered(*trained(), curves=["gradient/weighted_norm"], window={"nyud": 2000, "rooms": 20})
    path = tmp_path / "table2_rooms_curves.csv"
    path.write_text(files["summary/table2_rooms_curves.csv"])
    curves = read_curves(tmp_path)
    assert set(curves["key"]) == {"gradient/weighted_norm/semseg", "gradient/weighted_norm/depth"}
    assert set(curves["method"]) == {"Single-task", "Uniform", "AvgNorm"}
    assert set(curves["step"]) == {20}
    assert set(curves["value"]) == {2}


def test_window_is_a_sixth_of_the_run_where_the_plan_names_none(trained):
    runs, jobs = trained()
    pd.DataFrame({"step": range(1, 21), "weight/depth": 1.0}).to_csv(runs[2].folder / "gradients.csv", index=False)
    curves = rendered(runs[2:3], jobs, curves=["weight"], window={"nyud": 2000})[0]["summary/table2_rooms_curves.csv"]
    assert pd.read_csv(StringIO(curves))["step"].tolist() == [3, 6, 9, 12, 15, 18, 20]


def test_numbers_of_curves_have_five_digits(trained):
    runs, jobs = trained()
    frame = pd.DataFrame({"step": [1, 2, 3], "gradient/norm/depth": [1.0, 0.0, 0.0]})
    frame.to_csv(runs[2].folder / "gradients.csv", index=False)
    curves = rendered(runs[2:3], jobs, curves=["gradient/norm"], window={"rooms": 20})[0]
    assert curves["summary/table2_rooms_curves.csv"].splitlines()[1].endswith(",gradient/norm/depth,20,0.33333,3")


def test_search_ends_with_what_it_has_chosen(trained, make_run):
    runs, jobs = trained()
    for digest, depth, semseg in (("a", 1, 43), ("b", 2, 44)):
        config = config_of("grid_search", list(BOTH)) | {"weighter": {"name": "grid_search", "weights": depth}}
        weights = {"semseg": 1.0, "depth": float(depth)}
        scores = BOTH | {"semseg": semseg}
        runs.append(make_run("grid_search", scores, config=config, digest=digest, mean_weights=weights))
        jobs.append((config, f"depth {depth}" if depth > 1 else ""))
    files, text = rendered(runs, jobs, name="grid_rooms", search="grid_search")
    weights = "weighter=grid_search 'weighter.method.weights={semseg:1,depth:2}'"
    chosen = f"Best of 2 on the reported images: {weights}, Δm +5.00 %."
    assert f"\n- {chosen}\n- Cost: 2 runs, " in files["tables/grid_rooms.md"]
    assert chosen in text


@pytest.fixture
def searched(trained, make_run):
    """As `trained` on NYUD-v2, and GradNorm with three alphas, of which 2 has the best Delta_m."""
    runs, jobs = trained(**NYUD)
    for alpha, semseg in ((1.5, 40), (0.1, 38), (2, 44)):
        config = config_of("gradnorm", list(BOTH)) | NYUD
        config["weighter"]["method"]["alpha"] = alpha
        runs.append(make_run("gradnorm", BOTH | {"semseg": semseg}, config=config, digest=str(alpha)))
        jobs.append((config, "" if alpha == 1.5 else f"alpha {alpha}"))
    return runs, jobs


def test_search_adds_its_best_to_the_table_and_the_papers_numbers_are_compared_with_that(searched):
    files, _ = rendered(*searched, paper="II", best_of={"gradnorm": "alpha"})
    table = table_of(files)
    assert table["method"].tolist() == ["Single-task", "Uniform", "AvgNorm", "GradNorm", "GradNorm"]
    assert table["variant"].fillna("").tolist() == ["", "", "", "", "alpha 2"]
    assert table["ours/semseg"].tolist()[3:] == [40, 44]
    assert table["paper/semseg"].notna().tolist() == [True, True, False, False, True]
    assert table["paper/semseg"].iloc[-1] == 39.31  # GradNorm's
    said = "alpha 2 has the best Δm of 0.1, 1.5, 2 on the reported images: +5.00 % (default 1.5: +0.00 %). "
    assert f"\n- GradNorm (ResNet-18, Vanilla): {said}" in files["tables/table2_rooms.md"]
    assert "| GradNorm (alpha 2) |" in files["tables/table2_rooms.md"]
    assert "alpha 0.1" not in files["tables/table2_rooms.tex"]


def test_every_run_of_a_search_is_in_the_summary_and_in_the_list_of_runs(searched):
    files, _ = rendered(*searched, paper="II", best_of={"gradnorm": "alpha"})
    assert ",GradNorm,alpha 0.1," in files["summary/table2_rooms.csv"]
    assert "GradNorm (alpha 0.1): `nyud_resnet18_vanilla_gradnorm_" in files["tables/table2_rooms.md"]


def test_metrics_that_are_not_primary_are_in_the_tables_on_request(trained):
    runs, jobs = trained()
    for run in runs:
        if "depth" in run.tasks:
            run.record["best"]["scores"]["depth"] |= {"abs_rel": 0.125, "delta_1": 87.5}
    plain, _ = rendered(runs, jobs)
    files, text = render("table2_rooms", {}, runs, jobs, PAPER, every_metric=True)
    assert files["summary/table2_rooms.csv"] == plain["summary/table2_rooms.csv"]
    assert "best/depth/delta_1" in plain["summary/table2_rooms.csv"]
    assert not any("δ1" in plain[f"tables/table2_rooms.{kind}"] for kind in ("md", "tex"))
    assert "| depth absRel ↓ | depth δ1 % ↑ |" in " ".join(files["tables/table2_rooms.md"].split())
    assert r"depth $\delta$1 \% $\uparrow$" in files["tables/table2_rooms.tex"]
    assert "0.1250" in text
    assert table_of(files)["other/depth/delta_1"].tolist() == [87.5] * 3
    added = [column for column in table_of(files) if column.partition("/")[0] in ("other", "spread")]
    assert table_of(files).drop(columns=added).equals(table_of(plain))


def test_statistics_are_on_the_page_on_request(two_seeds):
    jobs = [(run.config, "") for run in two_seeds if run.seed == 0]
    plain, _ = rendered(two_seeds, jobs)
    files, text = rendered(two_seeds, jobs, statistics=True)
    assert sorted(files.keys() - plain.keys()) == [
        *("figures/table2_rooms_ranks.png", "tables/table2_rooms_statistics.csv")
    ]
    page = files["tables/table2_rooms.md"]
    assert page.index("## rooms") < page.index("## Statistics") < page.index("## Runs")
    assert "(../figures/table2_rooms_ranks.png)" in page
    assert "Δm compared with Uniform: " in text
    found = pd.read_csv(StringIO(files["tables/table2_rooms_statistics.csv"]))
    own = found[(found["method"] == "AvgNorm") & (found["reference"] == "Uniform")].set_index("quantity")
    assert own["difference"].to_dict() == pytest.approx({"semseg": 10, "depth": 12.5, "delta_m": 11.25})
    assert found[found["quantity"] == "depth"]["method"].tolist() == [
        *("Grid Search", "AvgNorm"),
        *("Uniform", "Grid Search", "AvgNorm"),  # in the order of the plan
    ]


def test_one_seed_has_a_sentence_instead_of_statistics(trained):
    files, text = rendered(*trained(), statistics=True)
    assert text.endswith("Train two or more: seed=0,1,2.")
    assert "figures/table2_rooms_ranks.png" not in files
    assert "## Statistics\n\nStatistics: with one seed" in files["tables/table2_rooms.md"]


def test_learning_curves_are_drawn_and_listed_if_the_plan_wants_them(trained):
    runs, jobs = trained()
    for run in runs:
        primaries = {task: metric["primary"] for task, metric in run.record["metrics"].items()}
        log = {"step": [10, 20]} | {f"val/{task}/{name}": [1.0, run.primary(task)] for task, name in primaries.items()}
        pd.DataFrame(log).to_csv(run.folder / "metrics.csv", index=False)
    assert not any("learning" in path for path in rendered(runs, jobs)[0])
    files, _ = rendered(runs, jobs, learning=True)
    assert files["figures/table2_rooms_learning.png"].startswith(b"\x89PNG")
    page = files["tables/table2_rooms.md"]
    assert "\n\n## Validation scores during training\n\n| method | after step | 10 | 20 | since 10 |\n" in page
    assert "](../figures/table2_rooms_learning.png)\n\n## Runs" in page


def test_experiment_whose_runs_were_never_evaluated_has_no_learning_curves(trained):
    assert not any("learning" in path for path in rendered(*trained(), learning=True)[0])
