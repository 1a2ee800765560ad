"""What the handlers of the benchmarks work on; there are no migrations."""

from typing import ClassVar

from django.db import models


class Account(models.Model):
    """A row that is read and saved."""

    balance = models.IntegerField(db_default=0)

    objects: ClassVar[models.Manager["Account"]] = models.Manager()

    class Meta:
        app_label = "benchmarks"  # tests import this where the app is not installed
        db_table = "benchmarks_account"
        default_permissions = ()

    def __str__(self) -> str:
        return f"account {self.pk}"
