"""How much is left of a lease, by the database's clock."""

from datetime import timedelta

from django.db.models import DurationField, ExpressionWrapper, F
from django.db.models.expressions import Combinable
from django.db.models.functions import Now
from django.utils.translation import gettext as _

from .display import span


def lease_left() -> Combinable:
    """Return what to annotate rows with that have `lease_expires_at`."""
    return ExpressionWrapper(F("lease_expires_at") - Now(), output_field=DurationField())


def told_lease(left: timedelta) -> str:
    if left < timedelta(0):
        return _("lapsed %s ago") % span(-left)
    return _("%s left") % span(left)
