"""Fixtures for the tests of every package, and how many examples Hypothesis tries."""

import os

from hypothesis import settings

pytest_plugins = [
    "support.postgres",
    "support.dispatch_client",
    "support.osrm",
    "support.kafka",
    "support.redis",
]

IN_CI = 40
"""Examples of a test that states no number of its own; on a desk it is Hypothesis' hundred."""

if os.environ.get("CI"):
    settings.register_profile("ci", parent=settings.get_profile("ci"), max_examples=IN_CI)
    settings.load_profile("ci")
