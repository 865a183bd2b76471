import pandas as pd
import pytest

from mtl.report.numbers.grouped import grouped

FRAME = pd.DataFrame({"method": ["UW", "DWA", "UW"], "variant": ["", "", "a"], "value": [1, 2, 3]})
INDEXED = FRAME.set_index(["method", "variant"])


@pytest.mark.parametrize("lines", [FRAME, INDEXED, INDEXED["value"]], ids=["columns", "levels", "series"])
def test_groups_are_in_order_of_appearance_and_keyed_by_tuples(lines):
    assert [(key, len(own)) for key, own in grouped(lines, ["method"])] == [(("UW",), 2), (("DWA",), 1)]
    assert [key for key, _ in grouped(lines, ["method", "variant"])] == [("UW", ""), ("DWA", ""), ("UW", "a")]
