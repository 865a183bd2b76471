"""Studies on the page: from files that `render` made, next to the records of their runs."""

import re
import shutil
from types import SimpleNamespace

import pytest
from fake_folder import PAPER
from fake_runs import config_of, make_two_seeds, run_maker
from test_web_page import Reader, cells_in, rows_in

from mtl import stored_tables
from mtl.experiment import Experiment
from mtl.files import write_whole
from mtl.report.claims.sources import our_evidence
from mtl.report.outputs import render
from mtl.report.read.committed import write_records
from mtl.report.read.runs import Run
from mtl.report.web.page import Made, page
from mtl.report.web.sections import NAMES

NAME = "study_rooms"
FLOORS = {"semseg": {"constant": {"miou": 4.25}}, "depth": {"constant": {"rmse": 1.5}, "Sobel": {"rmse": 0.9}}}


def write(name, runs, variants, results, plan=None, floors=None):
    """Writes the files of a study and the records of its runs, with variants by run folder."""
    jobs = [(run.config, variants.get(run.folder, "")) for run in runs if run.seed == 0]
    files, _ = render(name, {"records": True} | (plan or {}), runs, jobs, PAPER, floors=floors)
    for path, content in files.items():
        write_whole(results / path, content)
    write_records(results, name, runs)


def page_of(folder):
    return page(folder, PAPER, our_evidence(folder / "summary"), Made("make report", "today"), lambda _: 6)


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A results folder with a study, which has a probe, floors, statistics and a figure, and a search."""
    root = tmp_path_factory.mktemp("results")
    make_run = run_maker(root)
    weighter = {"name": "grid_search", "method": {"_target_": "g"}, "heads": "raw"}
    config = config_of("grid_search", ["semseg", "depth"]) | {"weighter": weighter}
    scores, weights = {"semseg": 39, "depth": 0.7}, {"semseg": 1, "depth": 0}
    two_seeds = make_two_seeds(make_run)
    probe = make_run("grid_search", scores, config=config, digest="0", mean_weights=weights)
    plan = {"statistics": True, "figure": ["uniform", "avgnorm"]}
    write(NAME, [*two_seeds, probe], {probe.folder: "depth 0"}, root, plan, FLOORS)
    write("search_rooms", two_seeds[4:5], {}, root)  # Uniform alone
    return root


@pytest.fixture(scope="module")
def html(folder):
    return page_of(folder)


def test_studies_come_first_with_their_main_results(html):
    text = Reader(html.split('<section id="found">')[1].split("</section>")[0]).text
    assert "Study, rooms (seeds 0, 1; 6 of 6 networks) Δm, tiny, Vanilla: Uniform -2.50 ± 7.07 %" in text
    assert "AvgNorm +8.75 ± 5.30 %." in text  # the best
    assert "AvgNorm − Uniform +11.25 [-" in text
    assert "not significant after Holm's correction (p 0." in text
    assert "Search, rooms (seeds 0; 1 of 6 networks) No Δm yet." in text
    assert text.index("Study, rooms") < text.index("Search, rooms")
    order = ["What was found", "Studies", "About", "Table II", "Table III"]
    assert [line for line in re.findall(r"<h2>(.*?)</h2>", html) if line in order] == order
    page_read = Reader(html)
    assert page_read.misplaced == []
    assert "python scripts/reproduce.py experiment=study_rooms seed=0,1" in page_read.text


def test_study_has_table_scale_probe_statistics_and_figures_in_this_order(html):
    html = html.split('<details class="section"')[1].split("</section>")[0]
    headings = re.findall(r"<h4>(.*?)</h4>", html)
    assert headings == ["rooms, tiny, Vanilla", "Without a network", "Probe", "Statistics"]
    assert [re.search('alt="(.*?):', one)[1] for one in re.findall("<img.*?>", html)] == ["Mean ranks", "Imbalance"]
    assert cells_in(rows_in(html, "Sobel")[0]) == ["", "0.9000"]
    assert "<li>With weight 0, depth learns" in html.split("<h4>Probe</h4>")[1].split("<h4>")[0]
    assert html.count("ith weight 0, depth learns") == 1
    statistics = html.split("<h4>Statistics</h4>")[1]
    assert cells_in(rows_in(statistics, "AvgNorm")[0])[0].startswith("+11.25 [")
    assert "Δm compared with Uniform: 0 of 2 differences" in statistics
    assert html.count("Δm compared with Uniform") == 1


def test_row_leads_to_its_records_and_to_the_command_that_repeats_it(html, folder):
    links = [about["href"] for tag, about in Reader(html).tags if tag == "a" and about["href"][0] != "#"]
    records = {path.relative_to(folder).as_posix() for path in folder.glob("records/*/*/seed*.json")}
    assert set(links) == records
    assert len(links) == len(records) == 12
    origin = html.split("<summary>AvgNorm</summary>", 1)[1].split('class="origin"', 1)[1].split("</tr>", 1)[0]
    assert "python train.py weighter=avgnorm subset=[semseg,depth] seed=0" in origin
    assert origin.count(f'href="records/{NAME}/rooms_tiny_vanilla_avgnorm_semseg-depth-') == 2


def test_table_is_outdated_if_it_lacks_a_run_with_a_record(folder, tmp_path):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    assert list(stored_tables.outdated(tmp_path, curves=True)) == []
    path = next(tmp_path.glob(f"records/{NAME}/*/seed0.json"))
    write_whole(path.with_name("seed2.json"), path.read_text())
    assert list(stored_tables.outdated(tmp_path, curves=True)) == [NAME]
    path.with_name("seed2.json").unlink()
    (tmp_path / "tables" / f"{NAME}.csv").unlink()
    assert list(stored_tables.outdated(tmp_path, curves=True)) == [NAME]


def test_table_is_outdated_if_curves_of_its_plan_are_missing(folder, tmp_path, monkeypatch):
    shutil.copytree(folder, tmp_path, dirs_exist_ok=True)
    for curves, found in (([], []), (["gradient/norm"], ["search_rooms", NAME])):
        monkeypatch.setattr(stored_tables, "named", lambda _, curves=curves: SimpleNamespace(plan={"curves": curves}))
        assert list(stored_tables.outdated(tmp_path, curves=True)) == found
        assert list(stored_tables.outdated(tmp_path, curves=False)) == []


def test_records_of_no_experiment_are_left_out_with_a_line(tmp_path, caplog):
    stored_tables.make_table("unknown_rooms", tmp_path)
    stored_tables.make_table("trial", tmp_path)
    assert [line.partition("records/")[2] for line in caplog.messages] == [
        "unknown_rooms: no experiment has this name, so it is left out",
        "trial: no experiment has this name, so it is left out",
    ]
    assert stored_tables.planned("unknown_rooms") is None


@pytest.mark.slow
def test_table_is_made_from_records_alone(make_run, tmp_path):
    results = tmp_path / "results"
    jobs = [job for line in Experiment(["experiment=search_camvid", f"results={results}"]).jobs() for job in line]
    runs = []
    for job in jobs:
        scores = dict.fromkeys(job.config["subset"], 40)
        for seed in (0, 3):
            run = make_run("uniform", scores, config=job.config, seed=seed, digest=str(len(runs)))
            runs.append(Run(job.folder / f"seed{seed}", run.record))
    write_records(results, "search_camvid", runs)
    (name,) = stored_tables.outdated(results, curves=True)
    stored_tables.make_table(name, results)
    assert list(stored_tables.outdated(results, curves=True)) == []
    html = page_of(results)
    assert "<h3>Search, CamVid</h3>" in html
    assert "(seeds 0, 3; 9 of" in html
    assert html.count('href="records/search_camvid/') == len(runs) == 18


def test_every_experiment_with_records_has_a_title():
    names = {path.name.partition("_")[0] for path in (PAPER.parents[1] / "results/records").iterdir()}
    assert names <= set(NAMES)
