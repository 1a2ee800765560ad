"""Two people changed one line, and nobody looked."""

TIMEOUT_SECONDS = 30
<<<<<<< HEAD
RETRIES = 5
=======
RETRIES = 3
>>>>>>> fewer-retries
