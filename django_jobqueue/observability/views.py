"""Metrics for the web process: `path("metrics/", metrics, {"token": …})`."""

from http import HTTPStatus

from django.db import DatabaseError, InterfaceError, connections, transaction
from django.http import HttpRequest, HttpResponse
from django.utils.crypto import constant_time_compare
from django.views.decorators.cache import never_cache
from django.views.decorators.http import require_safe

from django_jobqueue.core.errors import ReadTooSlow
from django_jobqueue.worker.probes import PLAIN, PROMETHEUS

from .exposing import exposition_of_site
from .measuring import is_measuring

NOT_MEASURED = "JOBQUEUE['METRICS'] is off, or prometheus-client is not installed\n"
NO_DATABASE = "the database does not answer\n"


@never_cache
@require_safe
def metrics(request: HttpRequest, *, token: str | None, counted_here: bool = False) -> HttpResponse:
    """Answer how the queues are doing, in the text format of Prometheus.

    It names queues, so it asks for `Authorization: Bearer TOKEN`; with None it answers anybody who
    may reach it. With `counted_here` it tells what was counted in this process besides, which is
    for a site with one web process. 503 where the database does not answer; each process asks it
    every 15 seconds at most.
    """
    if token is not None and not _shows(request, token):
        response = _plain("a token is needed\n", HTTPStatus.UNAUTHORIZED)
        response["WWW-Authenticate"] = "Bearer"
        return response
    if not is_measuring():
        return _plain(NOT_MEASURED, HTTPStatus.NOT_FOUND)
    try:
        text = exposition_of_site(counted_here=counted_here)
    except (DatabaseError, InterfaceError, ReadTooSlow):
        return _plain(NO_DATABASE, HTTPStatus.SERVICE_UNAVAILABLE)
    return HttpResponse(text, content_type=PROMETHEUS)


def _shows(request: HttpRequest, token: str) -> bool:
    given = request.headers.get("Authorization", "")
    return bool(token) and constant_time_compare(given, f"Bearer {token}")


def _plain(text: str, status: HTTPStatus) -> HttpResponse:
    return HttpResponse(text, status=status, content_type=PLAIN)


for alias in connections:
    # With ATOMIC_REQUESTS a database that is away would be an error before the view is called.
    metrics = transaction.non_atomic_requests(using=alias)(metrics)
