"""What a site meets: `manage.py runjobs` as a process, killed, paused and told to stop."""
