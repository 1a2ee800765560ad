"""The handlers that call the partner."""

from typing import Any

from django_jobqueue import Constant, JobContext, job

from . import client
from .credentials import current_secret, renew_secret


@job(name="partner.fetch_article", queue="partner", max_attempts=3, backoff=Constant(1))
def fetch_article(context: JobContext, number: int) -> dict[str, Any]:
    """Fetch an article, with a new secret if the old one has expired."""
    secret = current_secret()
    try:
        return client.article(number, secret=secret)
    except client.Unauthorised:
        renew_secret(context.line("partner secret"), refused=secret)
    return client.article(number, secret=current_secret())
