import re

import pytest

from mtl.cli.words import help_text, read_words

OWN = {
    "images": (None, "folder of images"),
    "count": (4, "number of images"),
    "longest": (0, "pixels"),
    "out": ("", ""),
}
DEFAULTS = {"images": "x", "count": 4, "longest": 0, "out": ""}


def test_words_come_in_any_order_and_the_rest_has_its_default():
    assert read_words(["images=x"], OWN, others=False) == (DEFAULTS, [])
    words = ["count=7", "subset=depth", "images=a=b"]
    assert read_words(words, OWN, others=True) == (DEFAULTS | {"images": "a=b", "count": 7}, ["subset=depth"])


@pytest.mark.parametrize(
    ("word", "line"),
    [
        ("conut=3", "conut=3: no such word, only images=..., count=..., longest=..., out=...; did you mean count?"),
        ("--count", "--count: no such word, only"),
        ("out=", "out=: write out=VALUE"),
        ("out", "out: write out=VALUE"),
        ("count=0", "count=0: use a whole number, 1 or above"),
        ("longest=-1", "longest=-1: use a whole number, 0 or above"),
        ("count=3", "images=... missing: --help explains the words"),
    ],
)
def test_bad_word_is_refused_in_one_line(word, line):
    with pytest.raises(ValueError, match=f"^{re.escape(line)}[^\\n]*$"):
        read_words([word], OWN, others=False)


def test_help_is_the_first_paragraph_and_the_words():
    lines = help_text("Does\nthis.\n\nMore.", OWN, others=True).splitlines()
    assert lines[:5] == ["Does", "this.", "", "  images=...  folder of images", "  count=4     number of images"]
    assert lines[-1] == "Other words are those of train.py: python train.py --help lists them."


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_scripts_print_their_words(run_script, option):
    code, out, err = run_script("show_samples", option)
    assert (code, err) == (0, "")
    assert out.startswith("Draws samples with their labels")
    assert "  split=train      train, val or test\n" in out
