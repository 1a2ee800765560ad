"""Cluster-wide lines: leased rows, written under their token alone."""

from collections.abc import Collection
from datetime import timedelta
from uuid import UUID

import msgspec

from django_jobqueue.core.error_text import storable_text

from .connected import ConnectedStore

_HOLDER_LENGTH = 255


class LinesStore(ConnectedStore):
    """Lines on Django's connection: both vendors have their statements under the same names."""

    def hold_line(self, name: str, token: UUID, *, holder: str, lease: timedelta) -> bool:
        facts = {
            "name": name,
            "token": token.hex,
            "holder": storable_text(holder)[:_HOLDER_LENGTH],
            "lease": lease.total_seconds(),
        }
        with self.one_write():
            return bool(self.statement("hold_line", facts))

    def line_holder(self, name: str) -> UUID | None:
        rows = self.statement("line_holder", {"name": name})
        return UUID(rows[0][0]) if rows else None

    def renew_lines(self, tokens: Collection[UUID], *, lease: timedelta) -> set[UUID]:
        listed = msgspec.json.encode([token.hex for token in tokens]).decode()
        with self.one_write():
            rows = self.statement("renew_lines", {"tokens": listed, "lease": lease.total_seconds()})
        return {UUID(token) for (token,) in rows}

    def release_line(self, name: str, token: UUID) -> bool:
        with self.one_write():
            return bool(self.statement("release_line", {"name": name, "token": token.hex}))
