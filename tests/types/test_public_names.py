"""Type checkers guess what has no annotation, each in its own way: what is public has one."""

import json

import pytest

import django_jobqueue

from . import checkers

#: Made by `start_worker` alone, of the parts of a worker, which are nobody else's to touch.
OF_PRIVATE_PARTS = {"StartedWorker", "start_worker"}
SIGNALS = "django_jobqueue.signals."


@pytest.mark.timeout(600)  # it reads the whole package, on however slow a machine
def test_every_public_name_has_a_type_that_no_checker_has_to_guess() -> None:
    output = checkers.pyright(
        "--verifytypes", "django_jobqueue", "--ignoreexternal", "--outputjson"
    )

    symbols = json.loads(output)["typeCompleteness"]["symbols"]
    known = {
        symbol["name"]: symbol["isTypeKnown"] and not symbol["isTypeAmbiguous"]
        for symbol in symbols
    }
    public = {f"django_jobqueue.{name}" for name in {*django_jobqueue.__all__} - OF_PRIVATE_PARTS}
    public |= {name for name in known if name.startswith(SIGNALS)}
    assert len(public) > len(django_jobqueue.__all__)
    assert [name for name in sorted(public) if not known[name]] == []
