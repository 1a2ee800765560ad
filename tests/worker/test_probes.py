"""What a worker says of itself, with time that passes as the test says."""

import http.client
import socket
from collections.abc import Iterator
from contextlib import contextmanager
from datetime import timedelta

import pytest

from django_jobqueue.conf import Address
from django_jobqueue.events import EventBus
from django_jobqueue.service import (
    HealthStatus,
    RegistrationFailed,
    Service,
    StopSender,
)
from django_jobqueue.worker.membership import Membership
from django_jobqueue.worker.metrics import EventCounts, exposition
from django_jobqueue.worker.probes import Probes
from django_jobqueue.worker.standing import Standing, ThisProcess, standing_of

from .bench import Time
from .site import PATIENCE, Told

READY = Standing(why_not_ready=None, polling=1)


class Bench:
    """Probes that listen, asked over HTTP; the test makes their rounds."""

    def __init__(self) -> None:
        self.time, self.bus, self.told = Time(), EventBus(), Told()
        self.bus.subscribe(self.told)
        self.looks: list[Standing] = []
        self.standing = READY
        self.probes = Probes(
            Address("127.0.0.1", 0), look=self.look, events=self.bus, elapsed=self.time
        )

    def look(self) -> Standing:
        self.looks.append(self.standing)
        return self.standing

    def ask(self, path: str, *, method: str = "GET") -> tuple[int, str]:
        connection = http.client.HTTPConnection("127.0.0.1", self.port, timeout=PATIENCE)
        try:
            connection.request(method, path)
            answer = connection.getresponse()
            assert answer.headers["Content-Type"].startswith("text/plain; ")
            return answer.status, answer.read().decode()
        finally:
            connection.close()

    @property
    def port(self) -> int:
        return int(self.told.of("probes.listening")[0]["port"])


@pytest.fixture
def bench() -> Iterator[Bench]:
    it = Bench()
    with it.probes.around():
        yield it


class TestAnswers:
    def test_it_is_not_ready_before_it_has_looked(self, bench: Bench):
        assert bench.ask("/readyz") == (503, "not ready: preconditions do not hold\n")
        assert bench.ask("/livez") == (200, "alive\n")

    def test_it_says_what_it_saw_last(self, bench: Bench):
        bench.probes.tick()
        assert bench.ask("/readyz") == (200, "ready\n")

        bench.standing = Standing(why_not_ready="no process looks for jobs")
        assert bench.ask("/readyz") == (200, "ready\n")
        bench.probes.tick()

        assert bench.ask("/readyz") == (503, "not ready: no process looks for jobs\n")

    def test_many_who_ask_cost_no_look(self, bench: Bench):
        bench.probes.tick()
        for path in ("/livez", "/readyz", "/metrics") * 5:
            bench.ask(path)

        assert len(bench.looks) == 1

    def test_a_loop_that_turns_no_more_is_not_alive(self, bench: Bench):
        bench.probes.tick()
        bench.time.passes(Probes.STALE_SECONDS - 1)
        assert bench.ask("/livez") == (200, "alive\n")
        bench.time.passes(2)

        assert bench.ask("/livez") == (503, "not alive\n")
        assert bench.ask("/readyz") == (503, "not ready: not alive\n")

    def test_while_it_drains_it_is_alive_but_not_ready(self, bench: Bench):
        bench.probes.tick()
        stop = StopSender()
        stop.send()
        bench.probes.run(stop.receiver())
        bench.time.passes(Probes.STALE_SECONDS * 2)

        assert bench.ask("/livez") == (200, "alive\n")
        assert bench.ask("/readyz") == (503, "not ready: stopping\n")

    @pytest.mark.parametrize("path", ["/", "/livezz", "/readyz/", "/%2e%2e/etc/passwd"])
    def test_another_path_is_not_found(self, bench: Bench, path: str):
        assert bench.ask(path) == (404, "not found\n")

    def test_a_query_changes_nothing(self, bench: Bench):
        assert bench.ask("/livez?verbose=1") == (200, "alive\n")

    def test_head_has_no_body(self, bench: Bench):
        assert bench.ask("/livez", method="HEAD") == (200, "")

    def test_what_it_does_not_understand_is_not_repeated(self, bench: Bench):
        assert bench.ask("/livez", method="SECRET") == (501, "refused\n")

    def test_who_hangs_up_or_is_silent_holds_up_nobody(
        self, bench: Bench, capfd: pytest.CaptureFixture[str]
    ):
        with socket.create_connection(("127.0.0.1", bench.port)) as silent:
            silent.sendall(b"GET /livez")
            assert bench.ask("/livez") == (200, "alive\n")

        assert bench.ask("/livez") == (200, "alive\n")
        assert capfd.readouterr().err == ""

    def test_nobody_listens_after_the_service(self):
        bench = Bench()
        with bench.probes.around():
            assert bench.ask("/livez")[0] == 200

        with pytest.raises(ConnectionRefusedError):
            bench.ask("/livez")


@contextmanager
def a_taken_port() -> Iterator[int]:
    with socket.create_server(("127.0.0.1", 0)) as server:
        yield server.getsockname()[1]


def test_a_port_that_is_taken_is_told_before_anything_runs():
    with a_taken_port() as port:
        probes = Probes(Address("127.0.0.1", port), look=lambda: READY, events=EventBus())

        with pytest.raises(RegistrationFailed) as refused:
            Service([probes]).run()

    [problem] = refused.value.problems
    assert f"cannot listen on 127.0.0.1:{port}: Address already in use" in problem


class TestMetrics:
    def test_counts_follow_the_events(self, bench: Bench):
        for name in ("child.started", "child.died", "child.started", "child.retires"):
            bench.bus.emit(name, child="1", cause="a secret")

        _, text = bench.ask("/metrics")

        assert 'jobqueue_events_total{event="child.started"} 2\n' in text
        assert "jobqueue_restarts_total 2\n" in text
        assert "secret" not in text

    def test_the_text_is_that_of_the_format(self):
        standing = Standing(
            why_not_ready=None, starting=1, polling=2, retiring=3, heartbeat_age=1.23456
        )

        assert exposition(standing, {"b.c": 2, "a": 1, 'x"}\n': 9}).splitlines() == [
            "# HELP jobqueue_ready Whether the worker claims and runs jobs.",
            "# TYPE jobqueue_ready gauge",
            "jobqueue_ready 1",
            "# HELP jobqueue_processes Processes that claim jobs, by what they do.",
            "# TYPE jobqueue_processes gauge",
            'jobqueue_processes{state="starting"} 1',
            'jobqueue_processes{state="polling"} 2',
            'jobqueue_processes{state="retiring"} 3',
            "# HELP jobqueue_heartbeat_age_seconds Age of the oldest heartbeat.",
            "# TYPE jobqueue_heartbeat_age_seconds gauge",
            "jobqueue_heartbeat_age_seconds 1.235",
            "# HELP jobqueue_restarts_total Child processes that were replaced.",
            "# TYPE jobqueue_restarts_total counter",
            "jobqueue_restarts_total 0",
            "# HELP jobqueue_events_total Events in this process, by name.",
            "# TYPE jobqueue_events_total counter",
            'jobqueue_events_total{event="a"} 1',
            'jobqueue_events_total{event="b.c"} 2',
        ]

    def test_nothing_is_counted_after_the_service(self):
        bench = Bench()
        with bench.probes.around():
            pass

        assert [subscriber for subscriber, _ in bench.bus._subscribers] == [bench.told]

    def test_counts_keep_no_facts(self):
        counts = EventCounts()
        counts("job.dead", {"job": object()})

        assert counts.so_far() == {"job.dead": 1}


class TestStanding:
    def setup_method(self) -> None:
        self.time = Time()

    def claimer(
        self, *, polling: bool = True, retiring: bool = False, beaten: bool = True
    ) -> ThisProcess:
        membership = Membership(lease=timedelta(seconds=10), elapsed=self.time)
        if beaten:
            membership.renewed(membership.moment())
        return ThisProcess(membership, is_polling=polling, is_retiring=retiring)

    def test_one_process_that_looks_for_jobs_makes_it_ready(self):
        claimers = [self.claimer(), self.claimer(polling=False), self.claimer(retiring=True)]
        self.time.passes(2)

        standing = standing_of(claimers, service=HealthStatus.READY)

        assert standing == Standing(
            why_not_ready=None, starting=1, polling=1, retiring=1, heartbeat_age=2.0
        )

    @pytest.mark.parametrize(
        ("service", "why"),
        [
            (HealthStatus.NOT_READY, "preconditions do not hold"),
            (HealthStatus.SHUTTING_DOWN, "stopping"),
        ],
    )
    def test_the_service_comes_first(self, service: HealthStatus, why: str):
        assert standing_of([self.claimer()], service=service).why_not_ready == why

    def test_who_starts_or_retires_looks_for_no_jobs(self):
        claimers = [self.claimer(polling=False), self.claimer(retiring=True)]

        standing = standing_of(claimers, service=HealthStatus.READY)

        assert standing.why_not_ready == "no process looks for jobs"

    def test_heartbeats_may_not_be_overdue(self):
        claimers = [self.claimer()]
        self.time.passes(9)

        standing = standing_of(claimers, service=HealthStatus.READY)

        assert standing.why_not_ready == "heartbeats are overdue"

    def test_without_a_heartbeat_there_is_no_age(self):
        standing = standing_of([self.claimer(beaten=False)], service=HealthStatus.READY)

        assert standing.heartbeat_age is None
        assert standing.why_not_ready == "heartbeats are overdue"
