"""Settings of the workers and producers of a storm: leases of seconds, and nothing that buries a
job for having been rescued often.
"""

import os

from example_project.databases import database_from_url
from tests.faketime import mend_sleep
from tests.settings import *  # noqa: F403 - a settings module of Django extends another like this
from tests.settings import INSTALLED_APPS as _APPS

mend_sleep()
DATABASES = {"default": database_from_url(os.environ["DATABASE_URL"])}
INSTALLED_APPS = [*_APPS, "tests.chaos", "tests.failpoints"]

JOBQUEUE = {
    "HEARTBEAT_INTERVAL": 0.25,
    "LEASE": 1.5,
    "REAP_INTERVAL": 0.2,
    "POLL_INTERVAL": 0.2,
    "PROMOTE_INTERVAL": 0.2,
    "CONCURRENCY": 8,
    "DRAIN": 10,
    "TIMEOUT_GRACE": 1,
    # Debian 12's pgbouncer knows none of them.
    "PREPARED_STATEMENTS": "JOBQUEUE_CHAOS_POOLED" not in os.environ,
    "PRECONDITION_TIMEOUT": 600,
    # Who is killed every few seconds does not say which job is to blame.
    "MAX_RESCUES": 30_000,
    "MAX_REPROCESS_COUNT": None,
    "SCHEDULES": {"tick": {"handler": "chaos.tick", "every": 1, "missed": "all"}},
}

#: What a worker says of itself tells what the storm did to it.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django_jobqueue": {"handlers": ["console"], "level": "INFO"}},
}
