"""Settings of the example site: for your own machine, unless the environment says otherwise.

DATABASE_URL names another database, DEBUG=0 turns debugging off, SECRET_KEY and ALLOWED_HOSTS
(with commas) are for a machine that others can reach.
"""

import os
from pathlib import Path

from example_project.databases import database_from_url

PROJECT = Path(__file__).resolve().parent
BASE_DIR = PROJECT.parent

DEBUG = os.environ.get("DEBUG", "1") != "0"
SECRET_KEY = os.environ.get("SECRET_KEY", "public, and good enough for a site on this machine only")
ALLOWED_HOSTS = os.environ.get("ALLOWED_HOSTS", "localhost,127.0.0.1,[::1]").split(",")

DATABASES = {
    "default": database_from_url(
        os.environ.get("DATABASE_URL") or f"sqlite:///{PROJECT / 'db.sqlite3'}"
    )
}

INSTALLED_APPS = [
    "django.contrib.admin",
    "django.contrib.auth",
    "django.contrib.contenttypes",
    "django.contrib.messages",
    "django.contrib.sessions",
    "django.contrib.staticfiles",
    "rangefilter",  # date ranges in the lists of the admin
    "django_jobqueue",
    "example_project.census",
    "example_project.partner",
]
MIDDLEWARE = [
    "django.middleware.security.SecurityMiddleware",
    "django.contrib.sessions.middleware.SessionMiddleware",
    "django.middleware.common.CommonMiddleware",
    "django.middleware.csrf.CsrfViewMiddleware",
    "django.contrib.auth.middleware.AuthenticationMiddleware",
    "django.contrib.messages.middleware.MessageMiddleware",
    "django.middleware.clickjacking.XFrameOptionsMiddleware",
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

ROOT_URLCONF = "example_project.urls"
WSGI_APPLICATION = "example_project.wsgi.application"
DEFAULT_AUTO_FIELD = "django.db.models.BigAutoField"
STATIC_URL = "static/"
USE_TZ = True
TIME_ZONE = "UTC"

#: The queue works without any of this; see the README for every key.
JOBQUEUE = {
    "CONCURRENCY": 4,
    "SCHEDULES": {
        "nightly census": {
            "handler": "census.count_usual_folders",
            "cron": "30 3 * * *",
            "overlap": "skip",
        },
    },
}

# CENSUS_ROOTS, CENSUS_FOLDERS and CENSUS_REPORTS move the census elsewhere: see census/places.py.

#: The HTTP API that the jobs of example_project/partner/ call.
PARTNER_URL = os.environ.get("PARTNER_URL", "http://127.0.0.1:8001")
