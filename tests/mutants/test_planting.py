"""A fault is in what is called, not in what was remembered from before."""

import pytest

from django_jobqueue.core.backoff import Constant
from django_jobqueue.store import sql

from .forks import KILLED, SURVIVED, verdict_of_fork
from .mutant import Mutant, mutants_of
from .planting import functions_by_place, plant


@pytest.fixture(scope="module")
def mutants() -> list[Mutant]:
    return mutants_of(["core", "store"])


def one_of(mutants: list[Mutant], *, name: str) -> Mutant:
    [found] = [mutant for mutant in mutants if mutant.name == name]
    return found


def test_a_method_has_its_fault_in_instances_that_were_there_before(mutants) -> None:
    before = Constant(5)
    mutant = one_of(
        mutants,
        name="core/backoff.py Constant._exact: return seconds_of(self.delay)"
        " | return seconds_of(self.delay) → return None",
    )

    def attempt() -> list[int]:
        plant(mutant, functions=functions_by_place())
        return [1] if before._exact(1) is None else []

    assert verdict_of_fork(attempt, seconds=60) == (KILLED, [1])
    assert before._exact(1) == 5


def test_a_statement_has_its_fault_although_it_was_loaded_before(mutants) -> None:
    before = sql.load("sqlite", "claim")
    mutant = next(one for one in mutants if one.statement == ("sqlite", "claim"))

    def attempt() -> list[int]:
        plant(mutant, functions={})
        others_are_whole = "jobqueue" in sql.load("sqlite", "promote")
        return [] if sql.load("sqlite", "claim") != before and others_are_whole else [1]

    assert verdict_of_fork(attempt, seconds=60) == (SURVIVED, [])
    assert sql.load("sqlite", "claim") == before


def test_every_mutant_has_a_name_of_its_own(mutants) -> None:
    assert len({mutant.name for mutant in mutants}) == len(mutants)
