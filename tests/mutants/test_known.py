"""The list of survivors explains faults that there are."""

from .known import known_survivors
from .mutant import mutants_of
from .runs import TESTS


def test_what_the_list_explains_can_still_be_made() -> None:
    made = {mutant.name for mutant in mutants_of(TESTS)}

    assert [name for name in known_survivors() if name not in made] == []
