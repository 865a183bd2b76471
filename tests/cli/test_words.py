import re

import pytest
from hydra.core.override_parser.overrides_parser import OverridesParser

from mtl.cli.words import as_path, help_text, read_words, with_home

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
    assert lines[-1] == "Other words are those of training: python train.py --help lists them."


@pytest.mark.parametrize("option", ["-h", "--help"])
def test_scripts_print_their_words(run_script, option):
    code, out, err = run_script("show_samples", option)
    assert (code, err) == (0, "")
    assert out.startswith("Draws samples with their labels")
    assert "  split=train      train, val or test\n" in out


NASTY = [
    "/a b",
    "/a&b",
    "/a?b",
    "/a;b",
    "/it's",
    '/a"b',
    "/a\\'b",
    "/a=b",
    "/a(b)[c]{d}",
    "/a#b",
    "/\u00e9",
    "/a;\\",
    "/a$b",
    "a,b;c",
]


@pytest.mark.parametrize("path", NASTY)
def test_hydra_reads_any_path_whole(path):
    word = as_path(f"results={path}")
    assert OverridesParser.create().parse_override(word).value() == path
    assert as_path(word) == word  # as it is in a record


@pytest.mark.parametrize(
    "word", ["results=/a/b-c.d", "results=${data}/x y", "recipe.optimizer.lr=choice(1, 2)", "-m", "data="]
)
def test_other_words_are_left_as_they_are(word):
    assert as_path(word) == word


@pytest.mark.parametrize(
    ("word", "expected"),
    [
        ("data=~/x", "data=/home/me/x"),
        ("archive=~/x,~/y", "archive=/home/me/x,/home/me/y"),
        ("hydra.searchpath=[~/x]", "hydra.searchpath=[/home/me/x]"),
        ("~logger", "~logger"),
        ("data=/a/~/b~", "data=/a/~/b~"),
        ("data=~", "data=/home/me"),
    ],
)
def test_home_folder_is_filled_in(monkeypatch, word, expected):
    monkeypatch.setenv("HOME", "/home/me")
    assert with_home(word) == expected
