import pytest

from django_jobqueue import InvalidOptions
from django_jobqueue.core.rates import Rate


@pytest.mark.parametrize(
    ("text", "rate", "spacing"),
    [
        ("1/s", Rate(1, 1), 1.0),
        ("100/m", Rate(100, 60), 0.6),
        ("5/10s", Rate(5, 10), 2.0),
        ("1000/h", Rate(1000, 3600), 3.6),
        ("2/d", Rate(2, 86_400), 43_200.0),
    ],
)
def test_a_rate_is_so_many_in_a_span(text: str, rate: Rate, spacing: float):
    assert Rate.parse("rate", text) == rate
    assert rate.spacing == pytest.approx(spacing)


@pytest.mark.parametrize(
    "text", ["", "100", "0/m", "5/0s", "-1/s", "1/w", "1 / s", "٣/s", 100, None]
)
def test_what_is_no_rate_is_refused_by_its_value(text: object):
    with pytest.raises(InvalidOptions) as refused:
        Rate.parse("rate", text)

    assert f"'rate' must be a rate such as '100/m' or '5/10s' (s, m, h or d), not {text!r}" in str(
        refused.value
    )
