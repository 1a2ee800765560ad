import logging
from collections.abc import Iterator
from uuid import UUID

import msgspec
import pytest

from django_jobqueue.core.specs import FinishedJob, JobFilter, Transition, WorkerIdentity
from django_jobqueue.core.states import DeathReason, JobState
from django_jobqueue.events import EventBus
from django_jobqueue.events import events as events_of_process
from django_jobqueue.observability.catalogue import EVENTS
from django_jobqueue.observability.logs import VALUE_LENGTH, is_logged, log_event
from django_jobqueue.worker.telling import Outcomes
from tests.claims import a_claim

JOB = a_claim(
    id=7,
    queue="mail",
    handler="shop.jobs.send",
    payload='{"args":[],"kwargs":{"token":"secret-token"}}',
    attempt=2,
    fingerprint="f",
    claim_token=UUID(int=1),
    worker_id=UUID(int=2),
)


@pytest.fixture
def bus(caplog: pytest.LogCaptureFixture) -> Iterator[EventBus]:
    caplog.set_level(logging.DEBUG, logger="django_jobqueue")
    bus = EventBus()
    bus.subscribe(log_event)
    return bus


def test_an_event_of_a_job_names_job_handler_queue_and_attempt(
    bus: EventBus, caplog: pytest.LogCaptureFixture
):
    bus.emit("job.succeeded", job=JOB)

    assert caplog.messages == ["job.succeeded job=7 handler=shop.jobs.send queue=mail attempt=2/3"]


def test_a_death_names_its_reason_and_the_last_failure(
    bus: EventBus, caplog: pytest.LogCaptureFixture
):
    transition = Transition(
        state=JobState.DEAD,
        reason=DeathReason.EXHAUSTED,
        error='{"type":"ValueError","message":"no such user","fields":{"password":"hunter2"}}',
    )

    bus.emit("job.dead", job=JOB, transition=transition)

    [record] = caplog.records
    assert record.levelno == logging.ERROR
    assert record.message.endswith("state=dead reason=exhausted error='ValueError: no such user'")


def test_arguments_and_fields_of_errors_stay_out_of_the_log(
    bus: EventBus, caplog: pytest.LogCaptureFixture
):
    transition = Transition(
        state=JobState.DEAD, error='{"type":"E","message":"m","fields":{"password":"hunter2"}}'
    )

    bus.emit("job.dead", job=JOB, transition=transition)

    [record] = caplog.records
    everything = f"{record.message} {vars(record)}"
    assert "secret-token" not in everything
    assert "hunter2" not in everything


def test_outcomes_of_many_jobs_are_told_by_their_number(
    bus: EventBus, caplog: pytest.LogCaptureFixture
):
    done = FinishedJob(JOB, Transition(state=JobState.SUCCEEDED, result='"secret"'))

    bus.emit("outcomes.written", outcomes=Outcomes((done, done)))

    assert caplog.messages == ["outcomes.written count=2"]
    assert "secret" not in f"{vars(caplog.records[0])}"


def test_seconds_are_told_as_precisely_as_anybody_needs(
    bus: EventBus, caplog: pytest.LogCaptureFixture
):
    bus.emit("job.succeeded", run_seconds=0.1234567891, wait_seconds=12.0)

    assert caplog.messages == ["job.succeeded run_seconds=0.123457 wait_seconds=12.0"]


def test_a_hostile_event_forges_no_line(bus: EventBus, caplog: pytest.LogCaptureFixture):
    bus.emit("shop.closed\njob.dead", shop=7)

    assert caplog.messages == [r"'shop.closed\njob.dead' shop=7"]


@pytest.mark.parametrize(
    "hostile",
    [
        "mail\njob.succeeded job=8",
        "mail\r\n",
        "\x1b[2J\x1b[31mred",
        "a\x00b",
        "line\u2028separator",
        "\ud800",
        "state=dead queue=other",
        "'quoted' \"twice\"",
    ],
)
def test_a_hostile_name_stays_one_quoted_word(
    bus: EventBus, caplog: pytest.LogCaptureFixture, hostile: str
):
    bus.emit("job.succeeded", job=msgspec.structs.replace(JOB, queue=hostile))

    [line] = caplog.messages
    assert line.isprintable()
    before, _, after = line.partition(" queue=")
    assert before == "job.succeeded job=7 handler=shop.jobs.send"
    quoted, _, rest = after.rpartition(" ")
    assert quoted[0] == quoted[-1]
    assert quoted[0] in "'\""
    assert rest == "attempt=2/3"


def test_a_long_value_is_shortened(bus: EventBus, caplog: pytest.LogCaptureFixture):
    bus.emit("queue.paused", queue="mail", reason="x" * 10_000)

    assert len(caplog.messages[0]) < VALUE_LENGTH + 100


def test_facts_that_say_nothing_are_left_out(bus: EventBus, caplog: pytest.LogCaptureFixture):
    bus.emit("queue.paused", queue="mail", reason="", until=None)

    assert caplog.messages == ["queue.paused queue=mail"]


def test_an_error_is_told_by_its_type_and_text(bus: EventBus, caplog: pytest.LogCaptureFixture):
    bus.emit("pump.database_failed", error=OSError("gone\naway"), retry_in=0.5)

    assert caplog.messages == [r"pump.database_failed error='OSError: gone\naway' retry_in=0.5"]


def test_an_error_that_cannot_be_printed_is_told_all_the_same(
    bus: EventBus, caplog: pytest.LogCaptureFixture
):
    class Broken(Exception):
        def __str__(self) -> str:
            raise RuntimeError("no")

    bus.emit("pump.database_failed", error=Broken())

    assert "Broken" in caplog.messages[0]


def test_a_filter_and_a_worker_are_told_by_what_they_name(
    bus: EventBus, caplog: pytest.LogCaptureFixture
):
    worker = WorkerIdentity(
        id=UUID(int=3), host="web-1", pid=9, version="1", queues=(), handlers=(), concurrency=1
    )
    bus.emit("jobs.cancelled", wanted=JobFilter(queue="mail", ids=(1, 2)), cancelled=2)
    bus.emit("worker.registered", worker=worker)

    assert caplog.messages == [
        "jobs.cancelled wanted_ids='(1, 2)' wanted_queue=mail cancelled=2",
        f"worker.registered worker={UUID(int=3)} host=web-1 pid=9",
    ]


def test_the_record_carries_the_facts_for_structured_formatters(
    bus: EventBus, caplog: pytest.LogCaptureFixture
):
    bus.emit("job.succeeded", job=JOB)

    assert vars(caplog.records[0])["jobqueue"] == {
        "event": "job.succeeded",
        "job": "7",
        "handler": "shop.jobs.send",
        "queue": "mail",
        "attempt": "2/3",
    }


def test_what_happens_to_every_job_is_below_info():
    per_job = ("job.enqueued", "job.deduplicated", "job.replaced", "job.succeeded")

    assert {EVENTS[name].level for name in per_job} == {logging.DEBUG}


@pytest.mark.parametrize("name", ["worker.left_silently", "pump.database_failed"])
def test_what_an_operator_should_look_at_is_a_warning(name: str):
    assert EVENTS[name].level == logging.WARNING


def test_an_event_nobody_graded_is_info(bus: EventBus, caplog: pytest.LogCaptureFixture):
    bus.emit("queue.resumed", queue="mail")

    assert caplog.records[0].levelno == logging.INFO


def test_an_event_below_the_level_is_not_even_rendered(caplog: pytest.LogCaptureFixture):
    rendered = []

    class Fact:
        def __str__(self) -> str:
            rendered.append(self)
            return ""

    caplog.set_level(logging.INFO, logger="django_jobqueue")

    bus = EventBus()
    bus.subscribe(log_event, wants=is_logged)

    bus.emit("job.enqueued", fact=Fact())
    assert rendered == []

    bus.emit("queue.paused", fact=Fact())
    assert len(rendered) == 1


def test_the_app_subscribes_the_log_to_the_events_of_the_process(
    caplog: pytest.LogCaptureFixture,
):
    caplog.set_level(logging.INFO, logger="django_jobqueue")

    events_of_process.emit("queue.resumed", queue="mail")

    assert caplog.messages == ["queue.resumed queue=mail"]
