"""Text from anywhere, shown beside text of ours."""

import pytest

from django_jobqueue.core.visible import visible


@pytest.mark.parametrize(
    ("text", "shown"),
    [
        ("two\nlines, é and 🐍\t.", "two\nlines, é and 🐍\t."),
        ("\x1b[31mred", "\\u001b[31mred"),
        ("a\u202eb", "a\\u202eb"),
        ("\ue000", "\\ue000"),
        ("\ud800", "\\ud800"),
        (7, "7"),
    ],
    ids=["readable", "control", "reordering", "private", "surrogate", "no text"],
)
def test_what_is_invisible_is_spelled_out(text: object, shown: str):
    assert visible(text) == shown
