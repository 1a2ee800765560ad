import pytest

from benchmarks.report import percentile


@pytest.mark.parametrize(("percent", "expected"), [(50, 100), (95, 190), (99, 198), (100, 200)])
def test_a_percentile_is_the_value_that_so_many_do_not_exceed(percent, expected):
    assert percentile(range(200, 0, -1), percent) == expected


def test_every_percentile_of_one_value_is_that_value():
    assert [percentile([7.0], percent) for percent in (1, 50, 99)] == [7.0, 7.0, 7.0]
