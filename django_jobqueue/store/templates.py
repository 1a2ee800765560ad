"""Templates: stored jobs to copy from."""

from typing import Any

from django.db.models import QuerySet, TextField
from django.db.models.functions import Cast

from django_jobqueue.core.health import COUNT_LIMIT
from django_jobqueue.core.schedule_errors import InvalidSchedule, TemplateNotFound
from django_jobqueue.core.schedules import StoredTemplate
from django_jobqueue.core.specs import NewJob
from django_jobqueue.models import JobTemplate, Schedule

from .connected import ConnectedStore
from .moving import stored_json
from .schedule_rows import stored_options


class TemplateStore(ConnectedStore):
    """What schedules enqueue of a template is theirs, and is changed along with it."""

    def save_template(self, template: StoredTemplate, *, job: NewJob) -> None:
        payload = stored_json(template.payload)
        columns: dict[str, Any] = {"handler": template.handler, "options": template.options}
        with self.writing():
            blank = JobTemplate(name=template.name, **columns)
            JobTemplate.objects.using(self.using).bulk_create([blank], ignore_conflicts=True)
            self._templates(template.name).update(**columns, payload=payload)
            self._schedules_of(template.name).update(
                handler=job.handler, payload=payload, options=stored_options(job)
            )

    def find_template(self, name: str, *, lock: bool = False) -> StoredTemplate:
        rows = _with_payload(self._templates(name))
        row = (rows.select_for_update() if lock else rows).first()
        if row is None:
            raise TemplateNotFound(name)
        return _stored(row)

    def list_templates(self, *, limit: int = COUNT_LIMIT) -> list[StoredTemplate]:
        rows = _with_payload(JobTemplate.objects.using(self.using)).order_by("name")
        return [_stored(row) for row in rows[:limit]]

    def delete_template(self, name: str) -> None:
        with self.writing():
            if used_by := self._schedules_of(name).values_list("name", flat=True).first():
                raise InvalidSchedule(
                    f"the template {name!r} is what the schedule {used_by!r} enqueues: delete that "
                    "first"
                )
            deleted, _ = self._templates(name).delete()
        if not deleted:
            raise TemplateNotFound(name)

    def _templates(self, name: str) -> QuerySet[Any]:
        return JobTemplate.objects.using(self.using).filter(name=name)

    def _schedules_of(self, name: str) -> QuerySet[Any]:
        return Schedule.objects.using(self.using).filter(template=name)


def _with_payload(rows: QuerySet[Any]) -> QuerySet[Any]:
    told: QuerySet[Any] = rows.annotate(payload_text=Cast("payload", output_field=TextField()))
    return told


def _stored(row: Any) -> StoredTemplate:
    return StoredTemplate(
        name=row.name, handler=row.handler, payload=row.payload_text, options=row.options
    )
