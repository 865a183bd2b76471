"""Lists of images say what is wrong with them."""

import pytest

from mtl.image_list import read_ids


@pytest.mark.parametrize(
    "content",
    [b"0003\n0004\n", b"0003\r\n0004", b"\n 0003 \n\n0004\n\n", b"\xef\xbb\xbf0003\n0004\n"],
    ids=["lines", "windows", "blank_lines", "byte_order_mark"],
)
def test_ids_are_read_line_by_line(tmp_path, content):
    (tmp_path / "list.txt").write_bytes(content)
    assert read_ids(tmp_path / "list.txt") == ["0003", "0004"]


REFUSED = {
    "two_columns": (b"0003\n2008_000003  1\n", r"line 2 is '2008_000003  1': a list has one id per line"),
    "images_and_labels": (b"a.jpg a.png\n", r"line 1 is 'a.jpg a.png'"),
    "utf_16": ("0003\n".encode("utf-16"), "is UTF-16 text; save it as UTF-8"),
    "bytes": (b"00\xff03\n", r"is not UTF-8 text \(invalid start byte at byte 2\)"),
}


@pytest.mark.parametrize("case", REFUSED)
def test_what_is_no_list_is_named(tmp_path, case):
    content, message = REFUSED[case]
    (tmp_path / "list.txt").write_bytes(content)
    with pytest.raises(ValueError, match=f"list.txt: {message}"):
        read_ids(tmp_path / "list.txt")


def test_missing_list_is_named(tmp_path):
    with pytest.raises(ValueError, match=r"none.txt: No such file or directory"):
        read_ids(tmp_path / "none.txt")
