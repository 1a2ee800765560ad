"""The service tasks that a site adds to its workers: JOBQUEUE["SERVICES"]."""

from collections.abc import Callable, Iterable, Sequence

from django.utils.module_loading import import_string

from django_jobqueue.core.errors import InvalidSettings
from django_jobqueue.service import ServiceTask


def find_maker(path: str) -> Callable[[], object]:
    """Return what the dotted path names: a class of service tasks, or a factory of one.

    InvalidSettings says why it can be neither. Nothing is called.
    """
    try:
        maker: object = import_string(path)
    except Exception as error:  # the site's module may raise anything
        raise _refused(path, f"cannot be imported: {_told(error)}") from error
    if isinstance(maker, type) and not issubclass(maker, ServiceTask):
        raise _refused(path, "is a class, but no ServiceTask")
    if not callable(maker):
        raise _refused(path, f"is {maker!r}, neither a ServiceTask class nor a function")
    return maker


def make_services(paths: Sequence[str], *, beside: Iterable[ServiceTask]) -> list[ServiceTask]:
    """Return one new service task for each path, in their order.

    InvalidSettings if one cannot be made, or has the id of another or of a task that is `beside`.
    """
    taken = {task.id for task in beside}
    made = []
    for path in paths:
        task = _make(path)
        if task.id in taken:
            raise _refused(path, f"has the id {task.id!r}, which another service task has")
        taken.add(task.id)
        made.append(task)
    return made


def _make(path: str) -> ServiceTask:
    maker = find_maker(path)
    try:
        task = maker()
    except Exception as error:
        raise _refused(path, f"failed when it was called: {_told(error)}") from error
    if not isinstance(task, ServiceTask):
        raise _refused(path, f"returned {task!r}, which is no ServiceTask")
    task_id: object = getattr(task, "id", None)
    if not isinstance(task_id, str) or not task_id:
        raise _refused(path, f"has the id {task_id!r}: give it a text")
    return task


def _refused(path: str, why: str) -> InvalidSettings:
    return InvalidSettings(f"JOBQUEUE['SERVICES'] names {path!r}, which {why}.")


def _told(error: Exception) -> str:
    return f"{type(error).__name__}: {error}"
