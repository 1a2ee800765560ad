"""When a held snapshot makes a site unhealthy, and how it is put."""

from datetime import timedelta

import pytest
from msgspec.structs import replace

from django_jobqueue.core.health import Health, HealthCheck, HeldSnapshot

HELD = HeldSnapshot("connection", 4711, "meta\nbase", "active", "1000", 601.4, "SELECT 'a\x1b[31m'")
CHECK = HealthCheck(max_snapshot_age=timedelta(minutes=10))


def complaints(held: HeldSnapshot | None, check: HealthCheck = CHECK) -> tuple[str, ...]:
    health = Health(
        queues=(),
        workers=1,
        oldest_heartbeat=1.0,
        dead_last_hour=0,
        count_limit=10,
        held_snapshot=held,
    )
    return check.complaints(health)


def test_the_complaint_names_the_holder_on_one_line_without_control_characters() -> None:
    assert complaints(HELD) == (
        "finished jobs cannot be vacuumed: a snapshot is held for 601 s"
        " by connection 'meta\\nbase', pid 4711, active: \"SELECT 'a\\x1b[31m'\"",
    )


def test_a_holder_that_shows_little_is_named_with_what_is_known() -> None:
    held = replace(HELD, kind="prepared transaction", pid=None, state=None, query=None, name="x")

    assert complaints(held)[0].endswith(" by prepared transaction 'x'")


@pytest.mark.parametrize("held", [None, replace(HELD, age=600.0), replace(HELD, age=None)])
def test_a_young_one_or_one_of_unknown_age_is_none(held: HeldSnapshot | None) -> None:
    assert complaints(held) == ()


def test_without_a_limit_it_is_not_judged() -> None:
    assert complaints(HELD, HealthCheck()) == ()
