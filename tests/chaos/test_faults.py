"""The same seed is the same storm, and what cannot be hit yet is tried again."""

import random
from functools import partial
from pathlib import Path

from tests.failpoints.points import Failpoints

from .faults import Agenda, Faults, spread
from .fleet import Fleet
from .history import History
from .watching import Watch


def test_a_seed_says_what_comes_when() -> None:
    names = ["kill"] * 3 + ["pause"] * 2
    first, again, other = (
        spread(names, seconds=10, chance=random.Random(seed)) for seed in (1, 1, 2)
    )

    assert first == again != other
    assert sorted(name for _, name in first) == sorted(names)


def test_faults_are_spread_over_the_whole_time() -> None:
    moments = [moment for moment, _ in spread(["kill"] * 5, seconds=10, chance=random.Random(1))]

    assert [int(moment / 2) for moment in moments] == [0, 1, 2, 3, 4]


def test_an_agenda_gives_what_is_due_in_order() -> None:
    agenda = Agenda()
    done: list[float] = []
    for moment in (2.0, 1.0, 3.0):
        agenda.add(moment, partial(done.append, moment))

    while (action := agenda.take(until=2.5)) is not None:
        action()

    assert done == [1.0, 2.0]
    assert not agenda.is_empty


def test_no_worker_is_paused_before_one_runs_something(tmp_path: Path) -> None:
    path = tmp_path / "history"
    history = History(path)
    nowhere = {"DATABASE_URL": f"sqlite:///{tmp_path}/not-migrated.sqlite3"}
    fleet = Fleet([nowhere], processes=[0], folder=tmp_path, history=history)
    faults = Faults(
        chance=random.Random(1),
        agenda=Agenda(),
        fleet=fleet,
        history=history,
        watch=Watch(path),
        failpoints=Failpoints(tmp_path / "failpoints"),
    )
    faults.plan([{"pause_tree": 1}], seconds=1)

    fleet.start()
    faults.strike_until(1.0)
    fleet.stop()

    assert not faults.done
    assert not faults.are_over, "it is tried again"
