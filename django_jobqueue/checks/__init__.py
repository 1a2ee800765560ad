"""System checks: misuse that can be seen before anything runs.

None fails a site that is well, none crashes where the database is away, and none but those of
`server`, which are asked for with `--deploy --database`, opens a connection. docs/checks.md lists
them.
"""

from django.core.checks import Tags, register

from .configured import check_schedules, check_services, check_settings
from .databases import (
    check_autocommit,
    check_connect_timeout,
    check_database,
    check_isolation,
    check_pool,
    check_requests,
    check_router,
    check_sqlite,
)
from .deployment import (
    check_debug,
    check_drain,
    check_kept_connections,
    check_time_zones,
    check_vanished_hosts,
)
from .files import check_file_systems, check_spool
from .handlers import check_limits, check_transactional_handlers, check_uniqueness
from .server import check_server
from .sites import check_admin

TAG = "jobqueue"
ALWAYS = (
    check_settings,
    check_database,
    check_router,
    check_sqlite,
    check_pool,
    check_isolation,
    check_autocommit,
    check_requests,
    check_connect_timeout,
    check_spool,
    check_services,
    check_schedules,
    check_transactional_handlers,
    check_limits,
    check_uniqueness,
    check_admin,
)
FOR_DEPLOYS = (
    check_drain,
    check_debug,
    check_time_zones,
    check_kept_connections,
    check_vanished_hosts,
    check_file_systems,
)


def register_checks() -> None:
    """Tell Django of all of them; twice is once."""
    for check in ALWAYS:
        register(check, TAG)
    for check in FOR_DEPLOYS:
        register(check, TAG, deploy=True)
    register(check_server, TAG, Tags.database, deploy=True)
