"""The contract, on whichever database the suite runs."""

import pytest

from .contract import JobStoreContract


@pytest.mark.django_db
class TestStore(JobStoreContract):
    pass
