"""The action that brings final jobs back, for dead letters and the archive alike."""

from collections.abc import Sequence
from typing import TYPE_CHECKING

from django.http import HttpRequest
from django.utils.translation import gettext as _
from django.utils.translation import ngettext

from django_jobqueue.core.errors import JobNotFound, RequeueRefused, StateChanged
from django_jobqueue.core.states import JobState
from django_jobqueue.jobs import control

from .actions import selected_rows, tell, write_down

if TYPE_CHECKING:
    from .records import JobRecordAdmin


def requeue_selected(
    page: "JobRecordAdmin", request: HttpRequest, *, state: JobState | None
) -> None:
    """Requeue what was ticked, name those whose unique key another live job holds, and count what
    was gone.
    """
    jobs, ticked = selected_rows(page, request)
    done = _requeue([job.pk for job in jobs], state=state)
    count, left = len(done.ids), ticked - len(done.ids) - len(done.refused)
    facts = [ngettext("%d requeued", "%d requeued", count) % count]
    if done.refused:
        taken = _("refused because another live job holds the unique key: %s")
        facts.append(taken % ", ".join(map(str, done.refused)))
    if left:
        facts.append(ngettext("%d was no longer here", "%d were no longer here", left) % left)
    write_down(request, jobs, "Asked to requeue.")
    tell(page, request, done=bool(count), facts=facts)


def _requeue(ids: Sequence[int], *, state: JobState | None) -> control.Requeued:
    if not ids:
        return control.Requeued()
    try:
        return control.requeue(*ids, state=state)
    except RequeueRefused as refusal:
        return control.Requeued(refused=(refusal.job_id,))
    except (JobNotFound, StateChanged):
        return control.Requeued()
