"""The numbers printed in the documentation are those of the committed tables."""

import csv
import json
import re
import shutil
from pathlib import Path

import pytest

from mtl.stored_tables import bring_up_to_date

ROOT = Path(__file__).parent.parent
PRINTED = re.compile(r"<!-- numbers: (\w+) -->\n\n((?:\|.*\n)+)")
TASKS = ("semseg", "human_parts", "depth", "normals", "saliency", "edge", "Δm")


def printed() -> list[tuple[str, str, list[dict[str, str]]]]:
    """Page, experiment and rows of every table that a comment says the source of."""
    found = []
    for page in [ROOT / "README.md", *sorted((ROOT / "docs").glob("*.md"))]:
        for name, table in PRINTED.findall(page.read_text()):
            head, _, *rows = [[cell.strip() for cell in line.strip(" |").split("|")] for line in table.splitlines()]
            keys = [next((task for task in TASKS if cell.startswith(task)), cell) for cell in head]
            found.append((page.name, name, [dict(zip(["method", *keys[1:]], row, strict=False)) for row in rows]))
    return found


@pytest.mark.parametrize(("page", "name", "rows"), printed(), ids=lambda value: value if isinstance(value, str) else "")
def test_scores_are_those_of_the_table(page, name, rows):
    with (ROOT / f"results/tables/{name}.csv").open() as file:
        lines = list(csv.DictReader(file))
    made = {}
    for line in reversed(lines):  # without a place, a row is of the first network
        for place in ("", line["architecture"], line["operation"]):
            made[line["method"], line["variant"], place] = line
    compared = 0
    for row in rows:
        method, variant, place = re.fullmatch(r"([^(,]+)(?: \((.*)\)|, (.*))?", row["method"]).groups("")
        if row["method"].startswith("*"):  # not a network
            continue
        line = made.get((method.strip(), variant, place)) or made[method.strip(), variant, ""]
        for task in [task for task in TASKS if row.get(task, "0") != "0"]:
            key = "delta_m" if task == "Δm" else task
            shown = [number.strip(" *") for number in row[task].split("±")]
            for number, value in zip(shown, [line[f"ours/{key}"], line.get(f"std/{key}")], strict=False):
                digits = len(number.partition(".")[2])
                assert float(number) == pytest.approx(float(value), abs=0.51 * 10**-digits), (row["method"], task)
                compared += 1
    assert compared >= 4


def test_scores_without_a_network_are_those_of_the_records():
    compared = set()
    for page, name, rows in printed():
        file = ROOT / f"results/records/{name}/floors.json"
        for row in [row for row in rows if row["method"].startswith("*") and file.exists()]:
            floors = json.loads(file.read_text())["floors"]
            for task, shown in row.items():
                if task in floors and shown:
                    best = floors[task]["Sobel" if task == "edge" else "constant"]
                    assert float(shown) == pytest.approx(next(iter(best.values())), abs=0.006), (page, task)
                    compared.add(name)
    assert {"study_rooms_nyud", "study_rooms_pascal"} <= compared


def test_judged_claims_are_counted_as_in_the_list():
    text = (ROOT / "docs/findings.md").read_text()
    judged, *counts = map(
        int, re.search(r"claims (\d+) are judged on rooms: (\d+) hold, (\d+) fail, (\d+) are", text).groups()
    )
    made = (ROOT / "results/tables/claims.md").read_text().partition("On ours: ")[2].partition(". ")[0]
    told = {word: int(number) for number, word in re.findall(r"(\d+) ([a-z ]+)", made)}
    assert counts == [told["holds"], told["fails"], told["undecided"]]
    assert judged == sum(counts)


def test_pages_print_the_main_study():
    assert {"study_rooms_nyud", "demo_rooms"} <= {name for _, name, _ in printed()}


@pytest.mark.parametrize("name", sorted(path.name for path in (ROOT / "results/records").iterdir()))
def test_every_run_of_a_table_has_its_record(name):
    with (ROOT / f"results/summary/{name}.csv").open() as file:
        told = {f"{line['run']}/seed{line['seed']}.json" for line in csv.DictReader(file)}
    folder = ROOT / "results/records" / name
    assert {path.relative_to(folder).as_posix() for path in folder.glob("*/seed*.json")} == told
    assert (folder / "floors.json").exists()


@pytest.mark.slow
def test_tables_are_those_that_the_records_make(tmp_path):
    shutil.copytree(ROOT / "results/records", tmp_path / "records")
    bring_up_to_date(tmp_path, curves=False)
    for made in [*tmp_path.glob("tables/*.csv"), *tmp_path.glob("tables/*.md")]:
        if not made.stem.endswith("_statistics"):
            assert made.read_text() == (ROOT / "results/tables" / made.name).read_text(), made.name
