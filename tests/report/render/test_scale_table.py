import json

from mtl.report.read.floors import read_floors
from mtl.report.render.scale import scale

FLOORS = {
    "depth": {"constant": {"rmse": 1.12345, "abs_rel": 0.5}},
    "edge": {"constant": {"ods_f": 3.3}, "Sobel": {"ods_f": 50.277}},
}
METRICS = {"depth": ("rmse", False), "edge": ("ods_f", True)}


def test_a_row_per_prediction_and_a_column_per_task():
    lines = scale(FLOORS, METRICS, "pipe").splitlines()
    cells = [[cell.strip() for cell in line.split("|")[1:-1]] for line in lines]
    assert cells[0] == ["prediction", "depth RMSE m", "edge odsF %"]
    assert cells[2:] == [["constant", "1.1235", "3.30"], ["Sobel", "", "50.28"]]


def test_scores_of_other_data_are_not_used(tmp_path):
    path = tmp_path / "floors.json"
    assert read_floors(path, "a") == {}
    path.write_text(json.dumps({"data": "a", "split": "test", "floors": FLOORS}))
    assert read_floors(path, "a") == FLOORS
    assert read_floors(path, "b") == {}


def test_damaged_file_is_named(tmp_path, caplog):
    path = tmp_path / "floors.json"
    path.write_text('{"data": "a", "split": "test", "floors": {"depth": 1}}')
    assert read_floors(path, "a") == {}
    assert str(path) in caplog.text
