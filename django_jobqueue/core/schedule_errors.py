"""The exceptions of schedules and templates."""

from .errors import JobQueueError


class InvalidSchedule(JobQueueError):
    """A rule, a time zone or an option of a schedule cannot be."""


class UnknownTimeZone(InvalidSchedule):
    """This machine knows no time zone of that name; what it runs by itself goes on without."""

    def __init__(self, name: object) -> None:
        super().__init__(
            f"no time zone {name!r} is known here. Correct its name, or install tzdata."
        )
        self.name = name


class ScheduleNotFound(JobQueueError):
    """There is no schedule of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no schedule {name!r}")
        self.name = name


class TemplateNotFound(JobQueueError):
    """There is no template of that name."""

    def __init__(self, name: str) -> None:
        super().__init__(f"there is no template {name!r}. Save it first, in code or in the admin.")
        self.name = name
