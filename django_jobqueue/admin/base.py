"""What all admin pages of this app share: read-only, never counting, and actions each under its own
permission.
"""

from contextlib import AbstractContextManager
from datetime import timedelta
from typing import TYPE_CHECKING, Any

from django.contrib import admin
from django.contrib.admin import ShowFacets
from django.contrib.admin.helpers import ACTION_CHECKBOX_NAME
from django.contrib.admin.views.main import ChangeList
from django.core.exceptions import BadRequest, PermissionDenied, ValidationError
from django.db.models import Model, QuerySet
from django.http import HttpRequest, HttpResponse
from django.template.response import SimpleTemplateResponse, TemplateResponse
from django.urls import NoReverseMatch, reverse
from django.utils.html import format_html
from django.utils.http import urlencode
from django.utils.safestring import SafeString
from django.utils.translation import gettext

from django_jobqueue import conf
from django_jobqueue.core.errors import ReadTooSlow
from django_jobqueue.jobs.auditing import acting_as
from django_jobqueue.jobs.option_values import TEXT_LENGTH
from django_jobqueue.jobs.site import site_store

from .changelist import LargeTableChangeList
from .display import visible
from .pagination import ProbingPaginator

if TYPE_CHECKING:
    ModelAdmin = admin.ModelAdmin[Any]
else:
    ModelAdmin = admin.ModelAdmin


class LookingAdmin(ModelAdmin):
    """Shows rows and runs actions. Rows are added, changed and deleted elsewhere, whatever the
    user's permissions.

    A subclass may narrow `get_queryset`; its actions then reach no further.
    """

    change_form_template = "admin/jobqueue/record.html"
    list_per_page = 50
    list_max_show_all = 0
    show_full_result_count = False
    show_facets = ShowFacets.NEVER
    sortable_by = ()
    #: Fields that the query string may filter by, besides those of `list_filter`.
    linked_lookups: tuple[str, ...] = ()
    #: How long one read of a page may take, where the database can be told so.
    read_limit = timedelta(seconds=5)

    class Media:
        css = {"all": ["django_jobqueue/admin.css"]}

    @property
    def using(self) -> str:
        """The alias of the database that keeps the jobs."""
        return conf.current().database

    def get_queryset(self, request: HttpRequest) -> QuerySet[Any]:
        return super().get_queryset(request).using(self.using)

    def has_add_permission(self, request: HttpRequest) -> bool:
        return False

    def has_change_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def has_delete_permission(self, request: HttpRequest, obj: Model | None = None) -> bool:
        return False

    def may(self, request: HttpRequest, codename: str) -> bool:
        permission = f"{self.opts.app_label}.{codename}"
        # The model of a site's users has it, which pyright does not know.
        return request.user.has_perm(permission)  # pyright: ignore[reportAttributeAccessIssue]

    def link(self, page: str, *keys: object, text: object, **query: str) -> SafeString | str:
        """Return a link to a page of these tables; the text alone where this site has no such."""
        try:
            address = reverse(
                f"admin:{self.opts.app_label}_{page}", args=keys, current_app=self.admin_site.name
            )
        except NoReverseMatch:
            return str(text)
        asked = f"?{urlencode(query)}" if query else ""
        return format_html('<a href="{}{}">{}</a>', address, asked, text)

    def link_to_audit(self, **query: str) -> SafeString | str:
        """Return a link to what operators did to one thing."""
        return self.link("auditrecord_changelist", text=gettext("what operators did"), **query)

    def get_changelist(self, request: HttpRequest, **kwargs: Any) -> type[ChangeList]:
        return LargeTableChangeList

    def prepare_list(self, request: HttpRequest, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Add to the rows of a list page what only the list shows, and leave out what it does
        not.
        """
        return rows

    def complete_page(self, rows: QuerySet[Any]) -> None:
        """Read the rows of one list page, and give them what is found for all of them at once."""
        len(rows)

    def prepare_selection(self, rows: QuerySet[Any]) -> QuerySet[Any]:
        """Return the rows that an action was asked for, ready to be named and counted."""
        return rows.order_by("pk")

    def get_paginator(
        self,
        request: HttpRequest,
        queryset: QuerySet[Any],
        per_page: int,
        orphans: int = 0,
        allow_empty_first_page: bool = True,
    ) -> ProbingPaginator:
        return ProbingPaginator(queryset, per_page, page_number=_page_number(request))

    def lookup_allowed(self, lookup: str, value: str, request: HttpRequest | None = None) -> bool:
        """Nothing but what is offered: any other lookup scans the table, and one on `payload` would
        tell what is in it.
        """
        if lookup in self.linked_lookups:
            return True
        filters = self.list_filter if request is None else self.get_list_filter(request)
        named = (one[0] if isinstance(one, tuple | list) else one for one in filters)
        offered = {getattr(one, "parameter_name", one) for one in named}
        return lookup.partition("__")[0] in offered

    def changelist_view(
        self, request: HttpRequest, extra_context: dict[str, Any] | None = None
    ) -> HttpResponse:
        asked = set(request.POST.getlist("action")) - {""}
        if not asked <= set(self.get_actions(request)):
            raise PermissionDenied  # Django alone would say "No action selected"
        for key in request.POST.getlist(ACTION_CHECKBOX_NAME):
            try:
                self.opts.pk.to_python(key)
            except ValidationError as error:
                raise BadRequest("a selected key is none of this table") from error
        if request.method == "POST":
            with acting(request):
                return super().changelist_view(request, extra_context)
        try:
            with site_store().reading(at_most=self.read_limit):
                context = {**self.list_context(request), **(extra_context or {})}
                return super().changelist_view(request, context)
        except ReadTooSlow:
            return self.too_slow(request)

    def changeform_view(self, request: HttpRequest, *args: Any, **kwargs: Any) -> HttpResponse:
        if request.method == "POST":
            with acting(request):
                return super().changeform_view(request, *args, **kwargs)
        try:
            with site_store().reading(at_most=self.read_limit):
                page = super().changeform_view(request, *args, **kwargs)
                # Now: its fields read what they show, and the limit ends with the view.
                return page.render() if isinstance(page, SimpleTemplateResponse) else page
        except ReadTooSlow:
            return self.too_slow(request)

    def list_context(self, request: HttpRequest) -> dict[str, Any]:
        """Return what the list page shows besides its rows."""
        return {}

    def too_slow(self, request: HttpRequest) -> TemplateResponse:
        """Answer that a read took longer than it may."""
        context = {
            **self.admin_site.each_context(request),
            "title": gettext("This takes too long"),
            "opts": self.opts,
            "seconds": self.read_limit.total_seconds(),
        }
        request.current_app = self.admin_site.name
        return TemplateResponse(request, "admin/jobqueue/too_slow.html", context, status=503)

    def render_change_form(
        self, request: HttpRequest, context: dict[str, Any], *args: Any, **kwargs: Any
    ) -> HttpResponse:
        context["record_actions"] = self.get_action_choices(request, default_choices=[])
        context["checkbox_name"] = ACTION_CHECKBOX_NAME
        return super().render_change_form(request, context, *args, **kwargs)


def acting(request: HttpRequest) -> AbstractContextManager[None]:
    """Let the audit record name the user of a request."""
    return acting_as(visible(request.user.get_username())[:TEXT_LENGTH] or str(request.user.pk))


def _page_number(request: HttpRequest) -> int:
    try:
        return int(request.GET.get("p", 1))
    except ValueError:
        return 1
