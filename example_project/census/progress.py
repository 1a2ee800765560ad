"""How far a census has come, as its jobs in the queue's three tables say."""

from dataclasses import asdict, dataclass

from django.db.models import Count

from django_jobqueue.core.states import JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .models import Census

ANALYSE_FILE = "census.analyse_file"


@dataclass(frozen=True, slots=True, kw_only=True)
class Progress:
    """The jobs of one census by what became of them."""

    scheduled: int
    ready: int
    running: int
    succeeded: int
    cancelled: int
    dead: int

    @property
    def archived(self) -> int:
        return self.succeeded + self.cancelled

    @property
    def waiting(self) -> int:
        return self.scheduled + self.ready

    @property
    def finished(self) -> int:
        return self.archived + self.dead

    @property
    def total(self) -> int:
        return self.finished + self.waiting + self.running

    @property
    def is_settled(self) -> bool:
        """Whether every job is final."""
        return self.finished == self.total

    @property
    def percent(self) -> int:
        """Rounded down: 100 means that all have ended."""
        return self.finished * 100 // self.total if self.total else 100

    def as_json(self) -> dict[str, object]:
        return {
            **asdict(self),
            "waiting": self.waiting,
            "finished": self.finished,
            "total": self.total,
            "percent": self.percent,
            "is_settled": self.is_settled,
        }


def progress_of(census: Census) -> Progress:
    """Count the jobs of a census. Live jobs come first: one that moves meanwhile is counted twice
    rather than missed, so that a census is never called settled before it is.
    """
    live = _by_state(Job, census)
    archived = _by_state(ArchivedJob, census)
    dead = DeadJob.objects.filter(fingerprint=census.fingerprint).count()
    return Progress(
        scheduled=live.get(JobState.SCHEDULED, 0) + live.get(JobState.BLOCKED, 0),
        ready=live.get(JobState.READY, 0),
        running=live.get(JobState.RUNNING, 0),
        succeeded=archived.get(JobState.SUCCEEDED, 0),
        cancelled=archived.get(JobState.CANCELLED, 0),
        dead=dead,
    )


def files_left(census: Census) -> int:
    """How many files are still to be counted."""
    return Job.objects.filter(fingerprint=census.fingerprint, handler=ANALYSE_FILE).count()


def _by_state(model: type[Job] | type[ArchivedJob], census: Census) -> dict[str, int]:
    counted = model.objects.filter(fingerprint=census.fingerprint).values_list("state")
    return dict(counted.annotate(Count("id")).order_by())
