"""The partner's API, as our jobs call it."""

import json
from http import HTTPStatus
from http.client import HTTPConnection
from typing import Any
from urllib.parse import urlsplit

from django.conf import settings

TIMEOUT_SECONDS = 20


class Unauthorised(Exception):
    """The partner does not accept the secret any more."""


def article(number: int, *, secret: str) -> dict[str, Any]:
    """Fetch one article; Unauthorised if the secret has expired."""
    found: dict[str, Any] = _asked("GET", f"/articles/{number}", secret=secret)
    return found


def new_secret() -> str:
    """Ask for a new secret; the partner lets each customer do so now and then only."""
    return str(_asked("POST", "/secret")["secret"])


def _asked(method: str, path: str, *, secret: str = "") -> Any:
    connection = HTTPConnection(urlsplit(settings.PARTNER_URL).netloc, timeout=TIMEOUT_SECONDS)
    try:
        connection.request(method, path, headers={"Authorization": f"Bearer {secret}"})
        response = connection.getresponse()
        body = response.read()
    finally:
        connection.close()
    if response.status == HTTPStatus.UNAUTHORIZED:
        raise Unauthorised
    if response.status != HTTPStatus.OK:
        raise OSError(f"{method} {path} was answered with status {response.status}")
    return json.loads(body)
