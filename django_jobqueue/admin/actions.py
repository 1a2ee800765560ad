"""What every admin action does around the one call that acts: select, confirm, tell, and write down
who did it.
"""

from collections.abc import Callable, Iterable, Sequence
from typing import TYPE_CHECKING, Any

from django import forms
from django.contrib import messages
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.models import CHANGE, LogEntry
from django.db.models import Model
from django.http import HttpRequest
from django.template.response import TemplateResponse
from django.utils.translation import ngettext

from django_jobqueue.core.errors import JobQueueError

from .display import visible

if TYPE_CHECKING:
    from .base import LookingAdmin

CONFIRMED = "confirmed"
#: How many of the selected are named on a confirmation page.
NAMED = 20


def selected_rows(page: "LookingAdmin", request: HttpRequest) -> tuple[list[Any], int]:
    """Return the ticked rows that are still there, and how many were ticked.

    Not the list as it is filtered now: a job that has changed its state meanwhile was still meant.
    "All pages" is never meant: what nobody has seen is steered by filter, from `jobs.control`.
    """
    keys = set(request.POST.getlist(ACTION_CHECKBOX_NAME))
    rows = page.get_queryset(request).filter(pk__in=keys)
    return list(page.prepare_selection(rows)), len(keys)


def tell(page: "LookingAdmin", request: HttpRequest, *, done: bool, facts: Iterable[str]) -> None:
    """Answer with one sentence of counts: a success if anything was done, else a warning."""
    level = messages.SUCCESS if done else messages.WARNING
    page.message_user(request, ", ".join(facts) + ".", level)


def write_down(request: HttpRequest, rows: Sequence[Model], what: str) -> None:
    """Record who asked for what on which rows, in the admin's own log."""
    if rows:
        LogEntry.objects.log_actions(
            user_id=request.user.pk,  # type: ignore[arg-type]
            queryset=rows,
            action_flag=CHANGE,
            change_message=what,
        )


def each(rows: Sequence[Any], steer: Callable[[Any], object]) -> tuple[list[Any], list[str]]:
    """Return the rows that were steered, and why others were refused; False from `steer` is
    neither.
    """
    done, refused = [], []
    for row in rows:
        try:
            if steer(row) is not False:
                done.append(row)
        except JobQueueError as error:
            refused.append(visible(error))
    return done, refused


def finish(
    page: "LookingAdmin",
    request: HttpRequest,
    *,
    done: Sequence[Model],
    facts: Iterable[str],
    missing: int,
    what: str,
) -> None:
    """Write down what was done, and answer with the facts, and how many rows were gone."""
    told = list(facts)
    if missing:
        gone = ngettext("%d was no longer here", "%d were no longer here", missing)
        told.append(gone % missing)
    write_down(request, done, what)
    tell(page, request, done=bool(done), facts=told)


def is_confirmed(request: HttpRequest) -> bool:
    return CONFIRMED in request.POST


def confirmation(
    page: "LookingAdmin",
    request: HttpRequest,
    *,
    action: str,
    title: str,
    question: str,
    rows: Sequence[Model],
    form: forms.Form | None = None,
) -> TemplateResponse:
    """Return the page that asks before `action` is done, with the fields of `form` if it needs to
    know more.
    """
    context = {
        **page.admin_site.each_context(request),
        "title": title,
        "question": question,
        "opts": page.opts,
        "media": page.media if form is None else page.media + form.media,
        "action": action,
        "rows": rows,
        "named": [visible(row) for row in rows[:NAMED]],
        "more": len(rows) > NAMED,
        "form": form,
        "checkbox_name": ACTION_CHECKBOX_NAME,
        "confirmed_name": CONFIRMED,
    }
    request.current_app = page.admin_site.name
    return TemplateResponse(request, "admin/jobqueue/confirm_action.html", context)
