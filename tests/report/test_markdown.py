from mtl.report.markdown import markdown_table


def test_cells_stand_between_bars_and_their_own_bars_are_escaped():
    assert markdown_table(["a", "b"], [[1, "x|y"]]) == "| a | b |\n| --- | --- |\n| 1 | x\\|y |"
