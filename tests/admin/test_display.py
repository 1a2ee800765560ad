from datetime import timedelta

import pytest

from django_jobqueue.admin.display import preformatted, pretty_json, short_error, span, visible


@pytest.mark.parametrize(
    ("seconds", "told"),
    [
        (0, "0 ms"),
        (0.0125, "12 ms"),
        (-0.5, "-500 ms"),
        (1, "1.0 s"),
        (59.94, "59.9 s"),
        (60, "1 min"),
        (61, "1 min 1 s"),
        (3_600, "1 h"),
        (3_725, "1 h 2 min"),
        (90_061, "1 d 1 h"),
        (-61, "-1 min 1 s"),
    ],
)
def test_a_span_is_told_in_its_two_largest_units(seconds, told):
    assert span(timedelta(seconds=seconds)) == told


def test_no_span_is_a_dash():
    assert span(None) == "-"


@pytest.mark.parametrize(
    ("text", "told"),
    [
        ("plain Grüße 你好\n\tindented", "plain Grüße 你好\n\tindented"),
        ("\u202egnp", "\\u202egnp"),
        ("\x1b[31m", "\\u001b[31m"),
        ("a\x00b", "a\\u0000b"),
        ("zero\u200bwidth", "zero\\u200bwidth"),
    ],
)
def test_invisible_characters_are_spelled_out(text, told):
    assert visible(text) == told


def test_preformatted_text_is_escaped():
    assert "&lt;b&gt;" in preformatted("<b>")
    assert "<b>" not in preformatted("<b>")


def test_json_is_indented_and_none_is_a_dash():
    assert "{\n  &quot;a&quot;: 1\n}" in pretty_json({"a": 1})
    assert pretty_json(None) == "-"


def test_an_error_is_told_on_one_line_of_bounded_length():
    assert short_error("E", "two\nlines") == "E: two lines"
    assert short_error(None, None) == ""
    assert len(short_error("E", "x" * 500)) == 80
