"""Settings of the processes that acceptance tests start: DATABASE_URL is the test's own database,
and JOBQUEUE_SETTINGS (JSON) what it says about the queue.
"""

import json
import os

from example_project.databases import database_from_url
from tests.faketime import mend_sleep
from tests.settings import *  # noqa: F403 - a settings module of Django extends another like this
from tests.settings import INSTALLED_APPS as _APPS

mend_sleep()
DATABASES = {"default": database_from_url(os.environ["DATABASE_URL"])}
INSTALLED_APPS = [
    *_APPS,
    "tests.acceptance",
    "tests.failpoints",
    *os.environ.get("JOBQUEUE_APPS", "").split(),
]
JOBQUEUE = json.loads(os.environ.get("JOBQUEUE_SETTINGS", "{}"))

#: What a worker says of itself is how a test knows what it is doing.
LOGGING = {
    "version": 1,
    "disable_existing_loggers": False,
    "handlers": {"console": {"class": "logging.StreamHandler"}},
    "loggers": {"django_jobqueue": {"handlers": ["console"], "level": "INFO"}},
}
