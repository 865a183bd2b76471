"""The words that an annotation lists are those of the table that it repeats."""

from typing import get_args

from mtl.build.keys import ScopeWord
from mtl.data.corruption.sampling import RULES, WORDS
from mtl.engine.objective import PRECISIONS
from mtl.engine.progress import Precision
from mtl.weighters.base import Scope


def test_words_of_scope_sampling_and_precision_are_those_of_their_tables():
    assert list(get_args(ScopeWord)) == [scope.value for scope in Scope]
    assert list(WORDS) == ["full", *RULES]
    assert list(get_args(Precision)) == list(PRECISIONS)
