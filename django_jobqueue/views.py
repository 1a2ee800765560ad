"""Health for the web process: a word for probes, and nothing of what is kept here."""

from collections.abc import Callable, Sequence
from datetime import timedelta
from functools import cache
from http import HTTPStatus
from threading import Lock

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from django_jobqueue.core.clock import Seconds, monotonic, seconds_of
from django_jobqueue.core.errors import ReadTooSlow
from django_jobqueue.core.health import HealthCheck
from django_jobqueue.jobs.health import examine

HEALTHY, UNHEALTHY, NO_DATABASE = "healthy\n", "unhealthy\n", "the database does not answer\n"

View = Callable[..., HttpResponse]


class Remembered:
    """What was found a moment ago: however many ask, there is one look a second, and nobody waits
    for the one who looks.
    """

    FRESH_SECONDS = 1.0
    #: A look that takes longer than this has its own meaning.
    STALE_SECONDS = 5.0

    def __init__(
        self, look: Callable[[], str], *, elapsed: Callable[[], float] = monotonic
    ) -> None:
        self._look, self._elapsed = look, elapsed
        self._looking = Lock()
        self._found, self._found_at = "", float("-inf")

    def answer(self) -> str:
        # Only who finds nothing to tell waits for the first look.
        if self._age >= self.FRESH_SECONDS and self._looking.acquire(blocking=not self._found):
            try:
                if self._age >= self.FRESH_SECONDS:
                    self._found, self._found_at = self._look(), self._elapsed()
            finally:
                self._looking.release()
        return self._found if self._age < self.STALE_SECONDS else NO_DATABASE

    @property
    def _age(self) -> float:
        return self._elapsed() - self._found_at


def look(check: HealthCheck) -> str:
    """Return the word for how the site is doing just now."""
    try:
        _, complaints = examine(check)
    except (DatabaseError, InterfaceError, ReadTooSlow):
        return NO_DATABASE
    return UNHEALTHY if complaints else HEALTHY


@cache
def remembered(check: HealthCheck) -> Remembered:
    """Return what this process remembers of one check."""
    return Remembered(lambda: look(check))


def _outside_transactions(view: View) -> View:
    """With ATOMIC_REQUESTS a database that is away would be an error before the view is called."""
    for alias in connections:
        view = transaction.non_atomic_requests(using=alias)(view)
    return view


@_outside_transactions
@never_cache
@require_safe
def health(
    request: HttpRequest,
    *,
    queues: Sequence[str] = (),
    max_age: Seconds | None = None,
    max_backlog: int | None = None,
) -> HttpResponse:
    """Answer 200 while workers live and keep up, else 503; text/plain, one of three fixed bodies.

    What is expected comes from the URLconf: `path("health/", health, {"max_age": 300})`.
    """
    check = HealthCheck(
        queues=tuple(queues),
        max_age=None if max_age is None else timedelta(seconds=seconds_of(max_age)),
        max_backlog=max_backlog,
    )
    word = remembered(check).answer()
    status = HTTPStatus.OK if word == HEALTHY else HTTPStatus.SERVICE_UNAVAILABLE
    return HttpResponse(word, status=status, content_type="text/plain; charset=utf-8")
