"""The secret that all processes share, and who may renew it."""

from django_jobqueue import Acquired, Busy, Line

from . import client
from .models import Credential

SERVICE = "partner"


def current_secret() -> str:
    credential = Credential.objects.filter(service=SERVICE).first()
    return credential.secret if credential else ""


def renew_secret(line: Line, *, refused: str) -> None:
    """Return once there is another secret than the refused one: renewed by this caller, or by the
    one that it waited for.
    """
    while current_secret() == refused:
        match line.try_acquire_token():
            case Acquired(token):
                with token:
                    # Somebody may have been done just before this token was acquired.
                    if current_secret() == refused:
                        _save(client.new_secret())
            case Busy(shared):
                shared.wait()


def _save(secret: str) -> None:
    Credential.objects.update_or_create(service=SERVICE, defaults={"secret": secret})
