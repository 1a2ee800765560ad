"""Counting what an operator's filter means."""

from typing import Any

from django.db.models import QuerySet

from django_jobqueue.core.health import Matching
from django_jobqueue.core.specs import JobFilter
from django_jobqueue.core.states import WAITING_STATES, JobState
from django_jobqueue.models import ArchivedJob, DeadJob, Job

from .filters import FilteringStore, refuse_empty


class MatchingStore(FilteringStore):
    """Each count stops; without an index for the criterion the walk to it may still be long."""

    def count_matching(self, wanted: JobFilter) -> Matching:
        refuse_empty(wanted)
        dead = self._matching(DeadJob.objects.using(self.using).all(), wanted)
        if wanted.reason is not None:
            return Matching(dead=dead)  # no other job has one
        live = Job.objects.using(self.using)
        waiting = live.filter(state__in=[state.value for state in WAITING_STATES])
        return Matching(
            waiting=self._matching(waiting, wanted),
            running=self._matching(live.filter(state=JobState.RUNNING.value), wanted),
            archived=self._matching(ArchivedJob.objects.using(self.using).all(), wanted),
            dead=dead,
        )

    def _matching(self, rows: QuerySet[Any], wanted: JobFilter) -> int:
        return self.counted(self.matching(rows, wanted), wanted)
