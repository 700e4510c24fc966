"""Four small services to test against: users, products, orders and notifications.

Each is started by itself, ``python -m services.user`` from ``examples/microservices``; README.md there has their
settings, their API, and the ways in which they can be told to misbehave.
"""
