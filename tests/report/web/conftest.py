import pytest
from fake_folder import NOT_RUN, PAPER, UNSAFE, planned, rows_of, summary_of, write_experiment
from PIL import Image

from mtl.report.claims.sources import our_evidence
from mtl.report.web.page import Made, page


@pytest.fixture(scope="session")
def results(tmp_path_factory):
    """A results folder with three seeds of most of Table II on NYUD-v2, two of the paper's figures and its own."""
    folder, rows = tmp_path_factory.mktemp("results"), rows_of("II", "NYUD-v2")
    lines = summary_of([row for row in rows if row[5] not in NOT_RUN], [0, 1, 2])
    lines["command"] = lines["command"].where(lines["method"] != "UW", f"python train.py {UNSAFE}")
    remarks = [f"Own words: {UNSAFE}.", "Values: mean of three."]
    write_experiment(folder, "table2_nyud", "II", rows, lines, remarks)
    (folder / "figures").mkdir()
    for name in ("figure1", "figure8_rooms", "table2_nyud_ranks", "figure99", "other"):
        Image.new("RGB", (1800 if name == "figure1" else 300, 200), "teal").save(folder / "figures" / f"{name}.png")
    return folder


@pytest.fixture(scope="session")
def html(results):
    """The page of `results`."""
    return page(results, PAPER, our_evidence(results / "summary"), Made(f"make {UNSAFE}", "1 May 2026"), planned)
