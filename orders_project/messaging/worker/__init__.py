"""Inside a Celery worker: from a message's arrival to the batch that the pool runs."""
