"""The note on tasks that no network learns."""

import pandas as pd
import pytest

from mtl.report.names import ROW
from mtl.report.numbers.unlearnt import unlearnt


def lines(task: str, metric: str, higher: bool, *values: float) -> pd.DataFrame:
    fixed = dict.fromkeys(ROW, "") | {"task": task, "metric": metric, "higher_is_better": higher}
    return pd.DataFrame([fixed | {"method": f"method {i // 2}", "value": v} for i, v in enumerate(values)])


def test_a_task_at_the_score_of_a_constant_is_named():
    scores = lines("human_parts", "miou", True, 13.65, 13.66, 13.82, 13.80)
    (text,) = unlearnt(scores, {"human_parts": {"constant": {"miou": 13.65}}})
    assert text.startswith("Not learnt by any network: human_parts, mIoU 13.81 % at best and 13.65 from a constant")


@pytest.mark.parametrize(
    ("metric", "higher", "values", "constant", "count"),
    [
        ("miou", True, (3.2, 3.2, 9.0, 9.2), 3.19, 0),  # one method learns it
        ("rmse", False, (1.12, 1.12, 1.10, 1.10), 1.1077, 1),
        ("rmse", False, (1.2, 1.2, 0.8, 0.8), 1.1077, 0),
        ("rmse", False, (1.2, 1.2, 1.2, 1.2), 1.1077, 1),  # worse than a constant
    ],
)
def test_the_best_mean_over_seeds_decides(metric, higher, values, constant, count):
    scores = lines("depth", metric, higher, *values)
    assert len(unlearnt(scores, {"depth": {"constant": {metric: constant}}})) == count


def test_without_a_constant_nothing_is_said():
    scores = lines("edge", "ods_f", True, 2.0)
    assert unlearnt(scores, {"edge": {"Sobel": {"ods_f": 49.0}}}) == []
    assert unlearnt(scores, {}) == []
