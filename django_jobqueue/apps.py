from django.apps import AppConfig
from django.conf import settings
from django.core.checks import register


class JobQueueConfig(AppConfig):
    name = "django_jobqueue"
    label = "jobqueue"
    verbose_name = "Job queue"
    default_auto_field = "django.db.models.BigAutoField"

    def ready(self) -> None:
        from .checks import register_checks
        from .events import events
        from .jobs.lines import CLUSTER, ClusterBackend
        from .memory.line import provide_scope
        from .observability.extras import check_extras
        from .observability.subscribing import observe
        from .signals import has_receivers, send_signals

        register_checks()
        register(check_extras, "jobqueue")
        observe(events)
        events.subscribe(send_signals, wants=has_receivers)
        provide_scope(CLUSTER, ClusterBackend)
        _discover_handlers()
        _load_store()


def _discover_handlers() -> None:
    from .jobs.registry import autodiscover

    autodiscover()
    # Of the backend nothing is imported where TASKS names none but the framework's own.
    configured = getattr(settings, "TASKS", {})
    paths = [str(params.get("BACKEND", "")) for params in configured.values()]
    if all(path.startswith(("django.", "django_tasks.")) for path in paths):
        return
    from .compat import tasks_framework

    if tasks_framework() is not None:
        from .backends.discovery import discover

        discover(configured)


def _load_store() -> None:
    """Not with the first enqueue, for which a request would wait."""
    from .checks.base import settings_if_right, wrapper_if_right
    from .store import store_for

    conf = settings_if_right()
    if conf is not None and wrapper_if_right(conf) is not None:
        store_for(conf.database)
