"""What is right on a desk and wrong in production: for `manage.py check --deploy`."""

import os
from collections.abc import Iterator
from datetime import timedelta

from django.conf import settings as site
from django.core.checks import CheckMessage, Warning
from django.db.backends.base.base import BaseDatabaseWrapper

from django_jobqueue.conf import JobQueueSettings
from django_jobqueue.worker.options import AFTER_DRAIN_SECONDS

from .base import of_database, of_settings, options_of

#: What Kubernetes waits between SIGTERM and SIGKILL unless told otherwise; Docker waits 10 s, and
#: systemd 90 s.
USUAL_GRACE = timedelta(seconds=30)
THIS_HOST = ("localhost", "127.0.0.1", "::1")


@of_settings
def check_drain(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """W012: a worker that is killed before its drain is over, unless somebody sees to that."""
    needed = settings.drain + timedelta(seconds=AFTER_DRAIN_SECONDS)
    if needed > USUAL_GRACE:
        seconds = f"{needed.total_seconds():g}"
        yield Warning(
            f"JOBQUEUE['DRAIN'] is {settings.drain.total_seconds():g} s: a worker may take "
            f"{seconds} s to stop, and Kubernetes kills it after 30 s, Docker after 10 s, unless "
            "told otherwise. What still runs then is rescued as if its worker had crashed.",
            hint=f"Set terminationGracePeriodSeconds, stop_grace_period or TimeoutStopSec to "
            f"{seconds} or more, and silence this; or lower DRAIN.",
            id="jobqueue.W012",
        )


@of_settings
def check_debug(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """W013: workers in which Django remembers what each handler asks the database."""
    if site.DEBUG:
        yield Warning(
            "DEBUG is on: in workers Django remembers every query of a job until its end, which "
            "takes time and memory.",
            hint="Turn it off where jobs matter.",
            id="jobqueue.W013",
        )


@of_settings
def check_time_zones(settings: JobQueueSettings) -> Iterator[CheckMessage]:
    """W014: naive times, which are nobody's or two when clocks are changed."""
    if not site.USE_TZ:
        yield Warning(
            "USE_TZ is off: a naive run_at is taken to be in TIME_ZONE, where an hour of each year "
            "comes twice and another never.",
            hint="Turn USE_TZ on; or give run_at and expires_at with their offset, and silence "
            "this.",
            id="jobqueue.W014",
        )


@of_database
def check_kept_connections(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """W015: connections that are kept and may have died meanwhile."""
    database = wrapper.settings_dict
    is_kept = database["CONN_MAX_AGE"] is None or database["CONN_MAX_AGE"] > 0
    if wrapper.vendor == "postgresql" and is_kept and not database["CONN_HEALTH_CHECKS"]:
        yield Warning(
            f"Connections to {wrapper.alias!r} are kept (CONN_MAX_AGE), and used again without a "
            "look at whether they still live: after a restart of the database, the first job of "
            "each thread spends an attempt on finding out.",
            hint=f"Set CONN_HEALTH_CHECKS to True in DATABASES[{wrapper.alias!r}].",
            id="jobqueue.W015",
        )


@of_database
def check_vanished_hosts(
    settings: JobQueueSettings, wrapper: BaseDatabaseWrapper
) -> Iterator[CheckMessage]:
    """W020: a server that keeps the locks of a host that has vanished, for hours."""
    host = str(wrapper.settings_dict["HOST"] or "")
    if wrapper.vendor != "postgresql" or host[:1] in ("", "/") or host in THIS_HOST:
        return  # it vanishes together with its database
    options = options_of(wrapper)
    said = f"{options.get('options')} {os.environ.get('PGOPTIONS')}"
    if "service" not in options and "tcp_keepalives_idle" not in said:
        yield Warning(
            f"Sessions at {wrapper.alias!r} ask for no TCP keepalives: of a worker's host that "
            f"vanishes, {host} misses them after two hours, unless it is set otherwise itself, and "
            "keeps until then whatever they have locked.",
            hint='Add "options": "-c tcp_keepalives_idle=10 -c tcp_keepalives_interval=5 '
            '-c tcp_keepalives_count=3" to its OPTIONS; or set these for the server, and silence '
            "this.",
            id="jobqueue.W020",
        )
