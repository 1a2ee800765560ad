"""What a soak says of what it saw."""

import pytest

from .soak import MOST_GROWTH_BYTES, Sample, TooShort, verdict

JOBS = 100


def seen(*, resident: float = 0.0, connections: int = 0) -> list[Sample]:
    """One look per job, with so much more memory, and connections, in the last quarter."""
    return [
        Sample(
            seconds=done,
            done=done,
            processes=2,
            resident=round(2**27 + (resident if done >= 75 else 0)),
            connections=9 + (connections if done >= 75 else 0),
        )
        for done in range(JOBS + 1)
    ]


def test_what_neither_grows_nor_opens_more_is_flat() -> None:
    judged = verdict(seen(), jobs=JOBS)

    assert (judged["flat"], judged["connections"]) == (True, 9)
    assert judged["growth_bytes_per_process"] == judged["connections_more"] == 0


def test_memory_that_grows_is_told_for_each_process() -> None:
    assert verdict(seen(resident=2 * MOST_GROWTH_BYTES), jobs=JOBS)["flat"]

    judged = verdict(seen(resident=2 * MOST_GROWTH_BYTES + 4), jobs=JOBS)

    assert not judged["flat"]
    assert judged["growth_bytes_per_process"] == MOST_GROWTH_BYTES + 2


def test_one_connection_more_is_one_too_many() -> None:
    assert not verdict(seen(connections=1), jobs=JOBS)["flat"]


def test_too_few_looks_say_nothing() -> None:
    with pytest.raises(TooShort, match="100 jobs"):
        verdict(seen()[-1:], jobs=JOBS)
