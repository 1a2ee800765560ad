import pytest

from example_project.census.charts import WIDTH, bar_chart_of_packages, histogram_of_file_sizes
from example_project.census.scales import Scale


@pytest.mark.parametrize(
    ("largest", "values"),
    [
        (0, [0, 1]),
        (1, [0, 1]),
        (5, [0, 1, 2, 3, 4, 5]),
        (6, [0, 2, 4, 6]),
        (26, [0, 10, 20, 30]),
        (101, [0, 50, 100, 150]),
        (1_234_567, [0, 500_000, 1_000_000, 1_500_000]),
    ],
)
def test_an_axis_reaches_its_largest_value_in_few_round_steps(largest: int, values: list[int]):
    assert Scale.up_to(largest, start=0, end=100).values == values


def test_places_run_from_start_to_end_also_upwards():
    scale = Scale.up_to(10, start=200, end=0)

    assert [scale.place(value) for value in (0, 5, 10)] == [200, 100, 0]


def package(name: str, *, code: int, comment: int = 0, blank: int = 0) -> dict[str, object]:
    total = code + comment + blank
    return {"name": name, "total": total, "code": code, "comment": comment, "blank": blank}


def test_the_parts_of_a_bar_follow_each_other_and_end_at_its_total():
    chart = bar_chart_of_packages([package("shop", code=50, comment=30, blank=20)])
    [bar] = chart.bars
    code, comment, blank = bar.parts

    assert comment.x == pytest.approx(code.x + code.width)
    assert blank.x == pytest.approx(comment.x + comment.width)
    assert blank.x + blank.width == pytest.approx(chart.ticks[-1].at)
    assert code.told == "shop: 50 of 100 lines are code"


def test_bars_and_their_values_stay_inside_the_drawing():
    chart = bar_chart_of_packages(
        [package("x" * 60, code=900_000), *(package("y", code=1) for _ in range(11))]
    )

    assert all(0 <= bar.label_y <= chart.height for bar in chart.bars)
    assert max(bar.value_x for bar in chart.bars) < WIDTH - 60
    assert len(chart.bars[0].label) <= 21


def test_the_columns_of_the_histogram_are_labelled_with_their_ranges():
    chart = histogram_of_file_sizes(
        [{"from": 0, "files": 2}, {"from": 1, "files": 8}, {"from": 1000, "files": 4}]
    )

    assert [bar.label for bar in chart.bars] == ["0", "1\u2013999", "1,000+"]
    assert [bar.value for bar in chart.bars] == ["2", "8", "4"]
    heights = [bar.parts[0].height for bar in chart.bars]
    assert heights[1] == pytest.approx(4 * heights[0])


def test_charts_of_nothing_can_be_drawn():
    assert bar_chart_of_packages([]).bars == []
    assert histogram_of_file_sizes([{"from": 0, "files": 0}]).bars[0].parts[0].height == 0
