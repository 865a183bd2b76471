"""Tables of GitHub's Markdown whose cells are sentences: not padded, so that a change touches its own line."""

from collections.abc import Iterable, Sequence


def markdown_table(headings: Sequence[object], rows: Iterable[Sequence[object]]) -> str:
    """A table; bars inside cells are escaped.

    Args:
        headings: What stands above the columns.
        rows: The cells of every row.
    """
    lines = [headings, ["---"] * len(headings), *rows]
    return "\n".join(f"| {' | '.join(str(cell).replace('|', chr(92) + '|') for cell in line)} |" for line in lines)
