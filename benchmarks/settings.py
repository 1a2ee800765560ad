"""Settings of the benchmarks' site: the defaults, on the database that DATABASE_URL names, with
metrics where their cost is measured.
"""

import os

from benchmarks.apps import OBSERVED
from example_project.databases import database_from_url

SECRET_KEY = "only for benchmarks"  # noqa: S105 - it protects nothing
USE_TZ = True
TIME_ZONE = "UTC"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
DATABASES = {"default": database_from_url(os.environ["DATABASE_URL"])}
INSTALLED_APPS = ["django_jobqueue", "benchmarks"]
JOBQUEUE = {"METRICS": "metrics" in os.environ.get(OBSERVED, "")}
