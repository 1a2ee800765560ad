"""Importing the tasks of a site, so that its workers know them."""

import sys
from collections.abc import Iterator, Mapping
from importlib import import_module
from types import ModuleType
from typing import Any

from django.apps import apps
from django.core.checks import register
from django.utils.module_loading import autodiscover_modules, import_string

from .backend import JobQueueBackend
from .checks import check_backport
from .declaring import MODULES, handler_of_task
from .framework import base


def discover(configured: Mapping[str, Mapping[str, Any]]) -> None:
    """Import the module `tasks` of each installed app, and the `modules` of the OPTIONS, if a
    backend of these settings keeps its tasks as jobs.

    Tasks that were declared for another backend are known from then on, for `using(backend=…)`.
    """
    ours = [params for params in configured.values() if _keeps_jobs(str(params.get("BACKEND")))]
    if not ours:
        return
    register(check_backport, "jobqueue")
    autodiscover_modules("tasks")
    named = [name for params in ours for name in params.get("OPTIONS", {}).get(MODULES, ())]
    for module in (*map(import_module, named), *_modules_of_apps()):
        for value in list(vars(module).values()):
            if isinstance(value, base.Task):
                handler_of_task(value, defaults=ours[0].get("OPTIONS", {}))


def _keeps_jobs(path: str) -> bool:
    try:
        backend = import_string(path)
    except ImportError:
        return False  # the framework says so when it is used
    return isinstance(backend, type) and issubclass(backend, JobQueueBackend)


def _modules_of_apps() -> Iterator[ModuleType]:
    for config in apps.get_app_configs():
        if (module := sys.modules.get(f"{config.name}.tasks")) is not None:
            yield module
