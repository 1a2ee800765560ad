from django_jobqueue import job


@job(name="releases.remind")
def remind(account: int) -> None: ...
