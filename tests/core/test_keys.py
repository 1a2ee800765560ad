import os
import subprocess
import sys

import pytest
from hypothesis import given
from hypothesis import strategies as st

from django_jobqueue.core.errors import InvalidOptions
from django_jobqueue.core.keys import checked_label, fingerprint_of, unique_key_of

ARGUMENTS = {
    "args": [1, 2.5, 1e300, 10**30, None, True],
    "kwargs": {"user": {"name": "Zoë", "tags": ["b", "a"]}, "at": "2026-01-02T03:04:05Z"},
}
#: Stored with live jobs: it must be the same in every process, Python and release.
PINNED = "cf58074cb12d3d79759da5655a40d1e3"
PINNED_BY_USER = "d7bd1e3f290bc248098331ce403e1adc"


def call(**kwargs):
    return {"args": [], "kwargs": kwargs}


class TestFingerprints:
    def test_the_fingerprint_of_a_call_never_changes(self):
        assert fingerprint_of("shop.jobs.send", ARGUMENTS) == PINNED

    @pytest.mark.parametrize("seed", ["0", "1", "4242"])
    def test_it_is_the_same_in_a_process_that_hashes_otherwise(self, seed):
        program = (
            "from tests.core.test_keys import ARGUMENTS\n"
            "from django_jobqueue.core.keys import fingerprint_of\n"
            "print(fingerprint_of('shop.jobs.send', ARGUMENTS))"
        )
        told = subprocess.run(
            [sys.executable, "-c", program],
            env={**os.environ, "PYTHONHASHSEED": seed},
            capture_output=True,
            text=True,
            check=True,
            timeout=60,
        )
        assert told.stdout.strip() == PINNED

    @given(kwargs=st.dictionaries(st.text(), st.integers() | st.text(), min_size=2))
    def test_the_order_of_keywords_makes_no_difference(self, kwargs):
        backwards = dict(reversed(kwargs.items()))

        assert fingerprint_of("send", call(**kwargs)) == fingerprint_of("send", call(**backwards))

    def test_other_arguments_and_other_handlers_have_other_fingerprints(self):
        calls = [
            ("send", call(a=1)),
            ("send", call(a=1.0)),
            ("send", call(a=True)),
            ("send", call(a="1")),
            ("send", call(a=None)),
            ("send", call()),
            ("send", call(b=1)),
            ("send", {"args": [1], "kwargs": {}}),
            ("sent", call(a=1)),
        ]
        assert len({fingerprint_of(*each) for each in calls}) == len(calls)

    def test_a_subclass_of_text_counts_as_its_text(self):
        class Safe(str):
            __slots__ = ()

        safe = call(user={Safe("name"): Safe("Ann")})
        assert fingerprint_of("send", safe) == fingerprint_of("send", call(user={"name": "Ann"}))


def key(**options):
    options = {"fingerprint": "f1", "named": {"user_id": 1, "body": "x"}, **options}
    return unique_key_of("send", parameters=("user_id", "body", "copy"), **options)


class TestUniqueKeys:
    def test_no_option_asks_for_none(self):
        assert key() is None

    def test_unique_takes_the_fingerprint(self):
        assert key(unique=True) == "f1"

    def test_unique_by_looks_at_the_named_arguments_only(self):
        by_user = key(unique_by=("user_id",))

        assert by_user == key(unique_by=("user_id",), named={"user_id": 1, "body": "y"})
        assert by_user != key(unique_by=("user_id",), named={"user_id": 2, "body": "x"})
        assert by_user != key(unique_by=("user_id", "body"))

    def test_two_ways_are_refused_by_their_names(self):
        with pytest.raises(InvalidOptions, match=r"^job option 'unique' and unique_by are two"):
            key(unique=True, unique_by=("user_id",))
        with pytest.raises(InvalidOptions, match=r"^job option 'unique_by' and unique_key are two"):
            key(unique_by=("user_id",), unique_key="a")

    def test_a_key_by_arguments_never_changes(self):
        key = unique_key_of(
            "shop.jobs.send", fingerprint="f", named={"user": 7}, unique_by=("user",)
        )

        assert key == PINNED_BY_USER

    def test_unique_by_takes_names_in_any_order(self):
        assert key(unique_by=("user_id", "body")) == key(unique_by=("body", "user_id"))

    def test_unique_by_is_of_one_handler(self):
        other = unique_key_of("sent", fingerprint="", named={"user_id": 1}, unique_by=["user_id"])

        assert other != key(unique_by=("user_id",))

    def test_an_argument_left_to_its_default_counts_as_not_given(self):
        assert key(unique_by=("user_id", "copy")) != key(
            unique_by=("user_id", "copy"), named={"user_id": 1, "copy": None}
        )

    def test_an_unknown_name_is_refused_with_the_nearest_one(self):
        with pytest.raises(InvalidOptions, match=r"'user'.*Did you mean 'user_id'\?"):
            key(unique_by=("user",))

    def test_a_name_in_place_of_a_tuple_of_names_is_refused(self):
        with pytest.raises(InvalidOptions, match=r"\('user_id',\)"):
            key(unique_by="user_id")

    def test_a_handler_of_any_keyword_has_no_unknown_names(self):
        options = {"fingerprint": "", "named": {"a": 1}, "parameters": None}

        assert unique_key_of("send", unique_by=("a",), **options)

    def test_the_callers_own_key_is_taken_as_it_is(self):
        assert key(unique_key="order-7") == "order-7"

    @pytest.mark.parametrize(
        "options",
        [
            {"unique": True, "unique_key": "a"},
            {"unique": True, "unique_by": ("user_id",)},
            {"unique_by": ("user_id",), "unique_key": "a"},
        ],
    )
    def test_two_ways_at_once_are_refused(self, options):
        with pytest.raises(InvalidOptions, match="two ways"):
            key(**options)

    @pytest.mark.parametrize("text", ["", "a\x00", "\ud800", "x" * 256, 7, b"a"])
    def test_a_key_that_no_column_holds_is_refused(self, text):
        with pytest.raises(InvalidOptions) as caught:
            key(unique_key=text)
        assert caught.value.option == "unique_key"


def test_a_label_of_255_characters_is_taken():
    assert checked_label("fingerprint", "ü" * 255) == "ü" * 255
