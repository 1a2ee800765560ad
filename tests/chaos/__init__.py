"""Storms: real workers, real faults, and a history outside the database to judge them by."""
