import pytest

from mtl.report.words import read_words


def test_words_come_in_any_order_and_the_rest_has_its_default():
    defaults = {"results": "results", "dataset": ""}
    assert read_words(["dataset=rooms"], defaults) == {"results": "results", "dataset": "rooms"}
    assert read_words(["dataset=a=b", "results=x"], defaults) == {"results": "x", "dataset": "a=b"}


@pytest.mark.parametrize("word", ["datset=rooms", "dataset", "dataset="])
def test_unknown_or_empty_word_is_refused_in_one_line(word):
    with pytest.raises(SystemExit) as refused:
        read_words([word], {"results": "results", "dataset": ""})
    assert str(refused.value) == f"{word}: known words are results=..., dataset=..."
