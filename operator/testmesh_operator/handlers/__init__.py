"""kopf's decorators and nothing else: each puts a key into the queue."""
