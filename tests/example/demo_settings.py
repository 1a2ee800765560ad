"""The example site as it is, but with its reports where a test wants them."""

import os

from example_project.settings import *  # noqa: F403

CENSUS_REPORTS = os.environ["CENSUS_REPORTS"]
