from django_jobqueue import job


@job(name="releases.charge")
def charge(account_id: int) -> None: ...


@job(name="releases.remind")
def remind(account: int) -> None: ...
