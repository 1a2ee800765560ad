"""Named places in a worker where a test, or a storm, says what is to happen to it.

A site with this app in INSTALLED_APPS and `JOBQUEUE_FAILPOINTS=FOLDER` in its environment has them
in each of its processes; without that variable nothing is put in anybody's way.
"""
