from fake_runs import config_of

from mtl.report.comparison import compare
from mtl.report.page import missing_runs, notes, page
from mtl.report.table import console, headings, markdown, stacked, table

BOTH = config_of("uniform", ["semseg", "depth"])


def titled(runs):
    comparison = compare(runs, BOTH)
    cells = table(comparison)
    return comparison, cells, headings(comparison, cells.columns)


def test_cells_have_sensible_digits_and_the_deviation(two_seeds):
    _, cells, _ = titled(two_seeds)
    row = cells.loc["Uniform"]
    assert row["metric", "semseg"] == "41.50 ± 4.95"
    assert row["metric", "depth"] == "0.4350 ± 0.0212"
    assert row["gain", "depth"] == "+2.50 ± 10.61"
    assert row["delta_m", "best"] == "-2.50 ± 7.07"
    assert row["delta_m", "rank"] == "2.50"
    assert row["weight", "depth"] == row["cost", "time"] == "1.00"
    assert row["cost", "memory"] == "200"
    assert cells.loc["Single-task", ("weight", "depth")] == ""


def test_one_seed_shows_the_value_alone(two_seeds):
    comparison, cells, _ = titled([run for run in two_seeds if run.seed == 0])
    assert cells.loc["AvgNorm", ("delta_m", "best")] == "+12.50"
    assert notes(comparison)[0] == "Values: seed 0 only."


def test_markdown_heads_columns_with_metric_unit_and_direction(two_seeds):
    _, cells, titles = titled(two_seeds)
    head, rule, first, *_ = markdown(cells, titles).splitlines()
    names = [cell.strip() for cell in head.strip("|").split("|")]
    assert names[:9] == [
        "method",
        "semseg mIoU % ↑",
        "depth RMSE m ↓",
        "last semseg mIoU % ↑",
        "last depth RMSE m ↓",
        "semseg M % ↑",
        "depth M % ↑",
        "Δm % ↑",
        "last Δm % ↑",
    ]
    assert names[9:] == ["mean rank ↓", "semseg weight", "depth weight", "step time ↓", "memory MiB ↓"]
    assert rule.startswith("|:--")
    assert first.startswith("| Single-task ")


def test_wide_table_is_cut_between_groups_and_loses_no_column(two_seeds):
    _, cells, titles = titled(two_seeds)
    assert len(stacked(cells, titles, width=1000)) == 1
    parts = stacked(cells, titles, width=80)
    assert len(parts) > 1
    assert [column for part in parts for column in part.columns] == list(cells.columns)
    assert all(len(line) <= 80 for part in parts for line in console(part, titles).splitlines())


def test_missing_baseline_names_the_command(two_seeds):
    runs = [run for run in two_seeds if not (run.tasks == ["depth"] and run.seed == 1)]
    words = ["experiment=demo", "seed=7", "weighter=avgnorm", "weighter.scope=shared", "recipe.steps=20"]
    assert missing_runs(compare(runs, BOTH), words) == [
        "no gain of depth at seed 1; to train: python train.py experiment=demo recipe.steps=20 subset=depth seed=1"
    ]


def test_several_missing_baselines_are_one_sweep(two_seeds):
    runs = [run for run in two_seeds if len(run.tasks) > 1 and run.seed == 0]
    (line,) = missing_runs(compare(runs, BOTH), ["experiment=demo"])
    assert line.endswith("python train.py -m experiment=demo subset=semseg,depth seed=0")


def test_notes_say_that_the_best_evaluation_is_chosen_on_the_scored_images(two_seeds):
    (line,) = [line for line in notes(compare(two_seeds, BOTH)) if "chosen" in line]
    assert line.startswith("rooms: best is chosen on the scored images")


def test_row_with_fewer_seeds_is_noted(two_seeds):
    runs = [run for run in two_seeds if not (run.weighter == "avgnorm" and run.seed == 1)]
    assert notes(compare(runs, BOTH))[-1] == "AvgNorm has only the seeds 0"


def test_page_says_where_its_numbers_come_from(make_run):
    runs = [make_run("uniform", {"semseg": 40, "edge": 60}, seed=3)]
    comparison = compare(runs, config_of("uniform", ["semseg", "edge"]))
    title, _, header, *_ = page(comparison, "demo", ["experiment=demo"]).splitlines()
    assert title == "# demo"
    assert header == (
        "dataset rooms; backbone tiny; seeds 3; presets edge rooms; steps 20; device cpu (x86_64); "
        "commit 0123456789; made by `python scripts/table.py experiment=demo`."
    )
