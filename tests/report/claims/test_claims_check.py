from dataclasses import replace

import pytest

from mtl.report.claims.check import Check, above, all_of, any_of, at_least, below, better, tally, within
from mtl.report.claims.quantity import MissingError, Quantity, together

YES, NO, OPEN = Check(True, "yes"), Check(False, "no"), Check(None, "open")


def quantity(*values, **more):
    return Quantity(dict(enumerate(values)), "NYUD R18", more.pop("what", "Uniform"), **more)


def test_steady_difference_over_seeds_decides():
    assert above(quantity(1.0, 1.1, 0.9), 0).holds is True
    assert below(quantity(1.0, 1.1, 0.9), 0).holds is False


def test_difference_inside_the_noise_stays_open():
    check = above(quantity(1.0, -0.5, 0.4), 0)
    assert check.holds is None
    assert check.text == "NYUD R18 Uniform +0.30 ± 0.75 (open)"


def test_seeds_are_compared_in_pairs():
    one, other = quantity(10.0, 20.0, 30.0), quantity(9.0, 19.1, 28.9)  # their spread is ten times the difference
    assert above(one, other).holds is True


def test_noise_free_difference_needs_no_t_test():
    assert above(quantity(2.0, 2.0), 0).holds is True
    assert above(quantity(0.0, 0.0), 0).holds is None


@pytest.mark.parametrize(("value", "holds"), [(1.5, True), (0.9, None), (-0.9, None), (-1.5, False)])
def test_single_seed_decides_only_by_a_clear_margin(value, holds):
    assert above(quantity(value), 0).holds is holds


def test_margin_is_asked_for_on_top():
    assert above(quantity(3.0), 0, by=1).holds is True
    assert above(quantity(1.5), 0, by=1).holds is None
    assert above(quantity(-0.2, -0.21, -0.19), 0, by=-0.3).holds is True


def test_the_papers_numbers_are_taken_as_printed():
    assert above(quantity(0.02, exact=True), 0).holds is True
    assert above(quantity(0.0, exact=True), 0).holds is False
    assert above(quantity(3.0, exact=True), 0, by=3).holds is True


def test_within_needs_both_sides():
    assert within(quantity(0.1, 0.11, 0.09), 0.5).holds is True
    assert within(quantity(0.1), 0.5).holds is None
    assert within(quantity(-0.6, exact=True), 0.5).holds is False


def test_better_respects_the_direction_of_the_metric():
    low, high = (quantity(value, higher=False, form=".2f") for value in (14.0, 15.0))
    assert better(low, high).holds is True
    assert better(high, low).holds is False
    assert better(replace(low, higher=True), high).holds is False


def test_three_valued_logic():
    assert [all_of([YES, other]).holds for other in (YES, OPEN, NO)] == [True, None, False]
    assert [any_of([NO, other]).holds for other in (YES, OPEN, NO)] == [True, None, False]
    assert at_least(2, [YES, YES, NO]).holds is True
    assert at_least(2, [YES, OPEN, NO]).holds is None
    assert at_least(2, [YES, NO, NO]).holds is False
    assert (~YES).holds is False
    assert (~OPEN).holds is None
    assert tally([YES, OPEN, NO]) == "1 of 3, 1 open"


def test_infinite_numbers_decide_only_if_all_seeds_agree():
    assert above(quantity(float("inf"), 3.0), 2).holds is True
    assert above(quantity(float("inf"), 1.0), 2).holds is None
    assert above(quantity(float("nan")), 0).holds is None


def test_numbers_need_a_common_seed():
    one, other = Quantity({0: 1.0}, "NYUD R18", "Uniform"), Quantity({1: 1.0}, "NYUD R18", "UW")
    with pytest.raises(MissingError, match="a seed common to NYUD R18 Uniform and NYUD R18 UW"):
        together([one, other], max)


def test_printed_number_is_said_where_it_differs():
    assert str(quantity(-2.778, printed=-2.64)) == "−2.78 (printed −2.64)"
    assert str(quantity(-2.925, printed=-2.93)) == "−2.92"
