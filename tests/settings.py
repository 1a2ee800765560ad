"""Settings of the test suite: SQLite unless DATABASE_URL names another database."""

import atexit
import os
import shutil
from pathlib import Path

from django_jobqueue.compat import tasks_framework
from example_project.databases import database_from_url

SECRET_KEY = "only for tests"
USE_TZ = True
TIME_ZONE = "UTC"
DEBUG = False
ALLOWED_HOSTS = ["*"]
ROOT_URLCONF = "tests.urls"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"

_url = os.environ.get("DATABASE_URL", "")
if not _url:
    _folder = Path(__file__).parent.parent / ".cache" / f"tests-{os.getpid()}"
    _folder.mkdir(parents=True, exist_ok=True)
    atexit.register(shutil.rmtree, _folder, ignore_errors=True)
    _url = f"sqlite:///{_folder}/site.sqlite3"
DATABASES = {"default": database_from_url(_url)}
if not os.environ.get("DATABASE_URL"):
    # A file, not memory: threads and processes must meet in it, as they do on a site.
    DATABASES["default"]["TEST"] = {"NAME": str(_folder / "test.sqlite3")}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    *(["django_tasks"] if tasks_framework() == "django_tasks" else []),
    "rangefilter",
    "django_jobqueue",
    "example_project.census",
    "example_project.partner",
    "tests",
]
MIDDLEWARE = [
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
]
TEMPLATES = [
    {
        "BACKEND": "django.template.backends.django.DjangoTemplates",
        "APP_DIRS": True,
        "OPTIONS": {
            "context_processors": [
                "django.template.context_processors.request",
                "django.contrib.auth.context_processors.auth",
                "django.contrib.messages.context_processors.messages",
            ]
        },
    }
]
TASKS = {
    "default": {
        "BACKEND": "django_jobqueue.backends.JobQueueBackend",
        "QUEUES": ["default", "emails", "queue_1"],
    },
    "immediate": {"BACKEND": "django_jobqueue.backends.ImmediateBackend", "QUEUES": []},
    "dummy": {"BACKEND": "django_jobqueue.backends.DummyBackend", "QUEUES": []},
}
MAILERS = {"default": {"BACKEND": "django.core.mail.backends.locmem.EmailBackend"}}
PASSWORD_HASHERS = ["django.contrib.auth.hashers.MD5PasswordHasher"]
PARTNER_URL = os.environ.get("PARTNER_URL", "")
