import sys
from collections.abc import Iterator

import pytest
from django.core.checks import run_checks
from django.test import override_settings

from django_jobqueue.observability.extras import NEEDED, is_installed


@pytest.fixture(autouse=True)
def _asked_anew() -> Iterator[None]:
    is_installed.cache_clear()
    yield
    is_installed.cache_clear()


def found(setting: str) -> list[str]:
    with override_settings(JOBQUEUE={setting: True}):
        messages = run_checks(tags=["jobqueue"])
    return [message.msg for message in messages if message.id == "jobqueue.W030"]


@pytest.mark.parametrize("setting", NEEDED)
def test_jobqueue_w030_a_setting_that_needs_what_is_not_installed(
    setting: str, monkeypatch: pytest.MonkeyPatch
):
    module, _ = NEEDED[setting]
    assert found(setting) == []

    monkeypatch.setitem(sys.modules, module, None)
    is_installed.cache_clear()

    [told] = found(setting)
    assert setting in told
    assert module in told
