import threading

import msgspec
import pytest

from django_jobqueue.core.figures import Changes, Figures, Observed

BOUNDS = (1.0, 5.0)


def test_a_counter_grows_by_its_labels():
    figures = Figures()
    figures.count("jobs", ("mail",))
    figures.count("jobs", ("mail",), by=2)
    figures.count("jobs", ("other",))
    figures.count("rounds")

    assert figures.counts() == {("jobs", ("mail",)): 3, ("jobs", ("other",)): 1, ("rounds", ()): 1}


@pytest.mark.parametrize(
    ("value", "between"),
    [(0.0, (1, 0, 0)), (1.0, (1, 0, 0)), (1.1, (0, 1, 0)), (5.0, (0, 1, 0)), (5.1, (0, 0, 1))],
)
def test_a_bound_belongs_to_what_lies_below_it(value: float, between: tuple[int, ...]):
    figures = Figures()
    figures.observe("wait", (), value, bounds=BOUNDS)

    assert figures.observed() == {("wait", ()): Observed(between, value)}


def test_many_are_added_at_once():
    figures = Figures()
    for _ in range(2):
        figures.count_all([("jobs", ("mail",)), ("jobs", ("other",))])
        figures.observe_all([(("wait", ()), 0.5), (("wait", ()), 2.0)], bounds=BOUNDS)

    assert figures.counts() == {("jobs", ("mail",)): 2, ("jobs", ("other",)): 2}
    assert figures.observed() == {("wait", ()): Observed((2, 2, 0), 5.0)}


def test_counts_alone_are_changes_and_so_are_observations():
    figures = Figures()
    assert not figures.take()
    figures.count("jobs")
    assert figures.take()
    figures.observe("wait", (), 2.0, bounds=BOUNDS)
    assert figures.take()


def test_what_is_taken_is_gone_and_can_be_added_elsewhere():
    child, supervisor = Figures(), Figures()
    for _ in range(2):
        child.count("jobs", ("mail",))
        child.observe("wait", ("mail",), 2.0, bounds=BOUNDS)
        sent = msgspec.json.encode(child.take())
        supervisor.add(msgspec.json.decode(sent, type=Changes))

    assert not child.take()
    assert (child.counts(), child.observed()) == ({}, {})
    assert supervisor.counts() == {("jobs", ("mail",)): 2}
    assert supervisor.observed() == {("wait", ("mail",)): Observed((0, 2, 0), 4.0)}


def test_what_was_read_does_not_change_any_more():
    figures = Figures()
    figures.observe("wait", (), 2.0, bounds=BOUNDS)
    before = figures.observed(), figures.counts()
    figures.observe("wait", (), 2.0, bounds=BOUNDS)
    figures.count("jobs")

    assert before == ({("wait", ()): Observed((0, 1, 0), 2.0)}, {})


def test_threads_lose_nothing_to_each_other():
    figures, taken = Figures(), list[Changes]()

    def count() -> None:
        for _ in range(2_000):
            figures.count("jobs")
            figures.observe("wait", (), 2.0, bounds=BOUNDS)

    threads = [threading.Thread(target=count) for _ in range(4)]
    for thread in threads:
        thread.start()
    while any(thread.is_alive() for thread in threads):
        taken.append(figures.take())
    taken.append(figures.take())

    total = Figures()
    for changes in taken:
        total.add(changes)
    assert total.counts() == {("jobs", ()): 8_000}
    assert total.observed() == {("wait", ()): Observed((0, 8_000, 0), 16_000.0)}
