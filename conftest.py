"""Fixtures for the tests of every package."""

pytest_plugins = [
    "support.postgres",
    "support.dispatch_client",
    "support.osrm",
    "support.kafka",
    "support.redis",
]
