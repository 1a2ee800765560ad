from django.db import models


class Credential(models.Model):
    """What the partner lets us in with, until it expires."""

    service = models.CharField(max_length=64, unique=True)
    secret = models.CharField(max_length=255, default="")

    def __str__(self) -> str:
        return self.service
