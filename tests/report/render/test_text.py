import pytest
from fake_runs import PLAIN, lines_of, results_of

from mtl.report.numbers.gains import published_baseline
from mtl.report.numbers.table import table_of
from mtl.report.render.text import blocks, flat, label, markdown_table, notes

METRICS = {"semseg": ("miou", True), "depth": ("rmse", False)}
SEMSEG = {"semseg": ("miou", True)}
DINO = PLAIN._replace(backbone="ViT-B", initialization="DINO")


def row(method, setting=PLAIN, variant=""):
    return (*setting, method, variant)


ROWS = [row("Single-task"), row("Uniform"), row("AvgNorm"), row("DWA", variant="human_parts 2")]
OURS = results_of(
    lines_of("Single-task", {"semseg": 40, "depth": 0.5}),
    lines_of("Uniform", {"semseg": 38, "depth": 0.45}),  # -5, +10
    lines_of("AvgNorm", {"semseg": 42, "depth": 0.4}, weights={"semseg": 0.5, "depth": 123.4}),  # +5, +20
)
PAPER = results_of(
    lines_of("Single-task", {"semseg": 40, "depth": 0.5}),
    lines_of("Uniform", {"semseg": 40, "depth": 0.5}, weights={"semseg": 1, "depth": 2}),
)


def made(ours=OURS, paper=PAPER, rows=ROWS):
    return table_of(ours, paper, rows, published_baseline)


def cells(text):
    """Cells of a Markdown table without its rule line."""
    lines = [[cell.strip() for cell in line.strip("|").split("|")] for line in text.splitlines()]
    return [lines[0], *lines[2:]]


def tables(*args, form="pipe", metrics=METRICS):
    """The three tables of the first block."""
    return next(iter(blocks(made(*args), metrics, form).values()))


def test_every_task_has_ours_the_papers_and_the_difference():
    quality = cells(tables()[0])
    assert quality[0] == [
        *("method", "semseg mIoU % ↑", "paper", "diff.", "depth RMSE m ↓", "paper", "diff.", "Δm % ↑", "paper", "diff.")
    ]
    assert quality[2] == [
        *("Uniform", "38.00", "40.00", "-2.00", "0.4500", "0.5000", "-0.0500", "+2.50", "+0.00", "+2.50")
    ]


def test_what_has_no_number_is_an_empty_cell():
    quality, last, costs = (cells(table) for table in tables())
    assert quality[3][2:4] == ["", ""]  # the paper's AvgNorm
    assert quality[4] == ["DWA (human_parts 2)", *[""] * 9]
    assert last[4] == ["DWA (human_parts 2)", *[""] * 3]
    assert costs[4] == ["DWA (human_parts 2)", *[""] * 8, "0"]


def test_without_printed_numbers_the_papers_columns_are_left_out():
    assert cells(tables(OURS, results_of())[0])[0] == ["method", "semseg mIoU % ↑", "depth RMSE m ↓", "Δm % ↑"]


def test_two_tasks_that_share_a_metric_keep_their_columns_apart():
    edge = [line | {"task": "saliency", "metric": "max_f"} for line in lines_of("Uniform", {"edge": 60})]
    parts = [line | {"task": "human_parts"} for line in lines_of("Uniform", {"semseg": 50})]
    ours = results_of([*lines_of("Uniform", {"semseg": 40}), *parts, *edge])
    paper = ours.assign(value=ours["value"] + 1)
    metrics = SEMSEG | {"human_parts": ("miou", True), "saliency": ("max_f", True)}
    quality = cells(tables(ours, paper, ROWS[1:2], metrics=metrics)[0])
    titles = ["semseg mIoU % ↑", "human parts mIoU % ↑", "saliency maxF % ↑"]
    assert quality[0][:10] == ["method", *(word for title in titles for word in (title, "paper", "diff."))]
    assert quality[1][:10] == [
        *("Uniform", "**40.00**", "41.00", "-1.00", "**50.00**", "51.00", "-1.00", "**60.00**", "61.00", "-1.00")
    ]


def test_metric_has_the_unit_of_its_task_and_its_own_name_where_no_task_names_it():
    known = {"disparity": "rmse", "reshading": "rmse", "height": "log_error"}
    lines = [
        line | {"task": task, "metric": metric}
        for task, metric in known.items()
        for line in lines_of("Uniform", {"depth": 0.5})
    ]
    metrics = {task: (metric, False) for task, metric in known.items()}
    quality = cells(tables(results_of(lines), results_of(), ROWS[1:2], metrics=metrics)[0])
    assert quality[0][1:4] == ["disparity RMSE 1/m ↓", "reshading RMSE ↓", "height log error ↓"]


def test_best_is_bold_in_markdown_and_latex_and_starred_on_the_console():
    assert cells(tables()[0])[3][:2] == ["AvgNorm", "**42.00**"]
    assert r"\textbf{42.00}" in tables(form="latex_raw")[0]
    assert " 42.00*" in tables(form="simple")[0]
    assert "**40.00**" not in tables()[0]  # single-task networks do not compete


def test_second_table_has_the_last_evaluation():
    ours = results_of(
        lines_of("Single-task", {"semseg": 40, "depth": 0.5}),
        lines_of("Uniform", {"semseg": 38, "depth": 0.45}, last={"semseg": 36, "depth": 0.5}),
    )
    last = cells(tables(ours)[1])
    assert last[0] == ["method", "last semseg mIoU % ↑", "last depth RMSE m ↓", "last Δm % ↑"]
    assert last[1:3] == [["Single-task", "40.00", "0.5000", "+0.00"], ["Uniform", "36.00", "0.5000", "-5.00"]]


def test_table_without_a_last_evaluation_leaves_it_out():
    assert len(tables(PAPER.assign(last=float("nan")))) == 2


def test_third_table_has_ranks_weights_and_costs():
    costs = cells(tables()[2])
    assert costs[0] == [
        *("method", "mean rank ↓", "semseg weight", "paper", "depth weight", "paper"),
        *("step time ↓", "memory ↓", "encoder passes ↓", "seeds"),
    ]
    assert costs[1] == ["Single-task", "", "", "", "", "", "2.00", "1.00", "1", "1"]
    assert costs[2] == ["Uniform", "2.00", "1", "1", "1", "2", "1.00", "1.00", "1", "1"]
    assert costs[3] == ["AvgNorm", "1.00", "0.5", "", "123", "", "1.00", "1.00", "1", "1"]


def test_deviation_over_seeds_follows_the_mean():
    more = [line for seed, value in enumerate([42, 44]) for line in lines_of("AvgNorm", {"semseg": value}, seed=seed)]
    single = [line for seed in (0, 1) for line in lines_of("Single-task", {"semseg": 40}, seed=seed)]
    quality = cells(tables(results_of(single, more), results_of(), metrics=SEMSEG)[0])
    assert quality[1] == ["Single-task", "40.00", "+0.00"]
    assert quality[3] == ["AvgNorm", "**43.00 ± 1.41**", "**+7.50 ± 3.54**"]


def test_zero_has_no_negative_sign():
    ours = results_of(lines_of("Single-task", {"semseg": 40}), lines_of("Uniform", {"semseg": 39.9999}))
    assert cells(tables(ours, results_of(), ROWS[:2], metrics=SEMSEG)[0])[2] == ["Uniform", "**40.00**", "**+0.00**"]


@pytest.mark.parametrize(("form", "sign"), [("pipe", "37.67 ± 7.51 ≈"), ("latex_raw", r"37.67 $\pm$ 7.51 $\approx$")])
def test_row_inside_the_noise_of_the_best_is_marked(form, sign):
    seeds = {"Uniform": (30, 45, 38), "AvgNorm": (40, 41, 42)}
    ours = results_of(
        *(lines_of(m, {"semseg": v}, seed=k) for m, values in seeds.items() for k, v in enumerate(values))
    )
    assert sign in tables(ours, results_of(), ROWS[1:3], metrics=SEMSEG, form=form)[0]


def test_latex_has_its_own_signs():
    quality, _, costs = tables(form="latex_raw")
    assert r"\begin{tabular}{lrrrrrrrrr}" in quality
    assert r"semseg mIoU \% $\uparrow$" in quality
    assert r"depth RMSE m $\downarrow$" in quality
    assert r"$\Delta$m" in quality
    assert r"DWA (human\_parts 2)" in quality
    assert not set("±↑↓Δ≈") & set(quality + costs)


def test_every_backbone_and_architecture_is_a_block():
    rows = [row("Uniform"), row("Uniform", DINO), row("AvgNorm", DINO)]
    ours = results_of(*(lines_of(one[5], {"semseg": 40}, setting=PLAIN if one == rows[0] else DINO) for one in rows))
    found = blocks(made(ours, results_of(), rows), SEMSEG, "pipe")
    assert list(found) == ["rooms, tiny, Vanilla", "rooms, ViT-B, Vanilla"]
    assert [line[0] for line in cells(found["rooms, ViT-B, Vanilla"][0])] == [
        "method",
        "DINO: Uniform",
        "DINO: AvgNorm",
    ]


@pytest.mark.parametrize(
    ("one", "expected"),
    [
        (row("Uniform"), "Uniform"),
        (row("GradNorm", variant="alpha 0.5"), "GradNorm (alpha 0.5)"),
        (row("Uniform", DINO), "DINO: Uniform"),
        (row("Uniform", DINO._replace(operation="Noise"), "alpha 1"), "DINO, Noise: Uniform (alpha 1)"),
    ],
)
def test_label_of_a_row_leaves_out_what_its_block_says(one, expected):
    assert label(one) == expected


def test_csv_has_a_heading_a_column_and_no_empty_ones():
    table = flat(made())
    assert table.columns[:8].tolist() == [
        *("dataset", "backbone", "architecture", "initialization", "operation", "method", "variant", "ours/semseg")
    ]
    assert table.loc[2, ["method", "ours/semseg", "ours/delta_m", "weight/depth", "runs/seeds"]].tolist() == [
        *("AvgNorm", 42, pytest.approx(12.5), 123.4, 1)
    ]
    assert not any(name.startswith("std/") for name in table)


def test_notes_say_how_many_seeds_there_are():
    text = "\n".join(notes(made(), "the networks of Alice"))
    assert "with one seed, the difference may be noise" in text
    assert "relative to the networks of Alice of the same seed" in text
    assert "Some rows have fewer seeds, see the column seeds." in text


@pytest.mark.parametrize(("dataset", "chosen"), [("NYUD-v2", True), ("rooms", True), ("Replica", False)])
def test_notes_say_if_the_best_evaluation_is_selected_on_the_reported_images(dataset, chosen):
    setting = PLAIN._replace(dataset=dataset)
    table = made(results_of(lines_of("Uniform", {"semseg": 40}, setting=setting)), rows=[row("Uniform", setting)])
    found = [line for line in notes(table, "others") if "selected on the reported images" in line]
    assert [line.partition(":")[0] for line in found] == [dataset] * chosen


def test_notes_on_several_seeds_speak_of_the_deviation():
    ours = results_of(*(lines_of("Uniform", {"semseg": 40}, seed=seed) for seed in (0, 1, 2)))
    text = "\n".join(notes(made(ours, results_of(), ROWS[1:2]), "others"))
    assert "mean ± sample standard deviation over 3 seeds" in text
    assert "one seed" not in text
    assert "fewer seeds" not in text


def test_cells_are_between_bars_and_their_own_bars_are_escaped():
    assert markdown_table(["a", "b"], [[1, "x|y"]]) == "| a | b |\n| --- | --- |\n| 1 | x\\|y |"
