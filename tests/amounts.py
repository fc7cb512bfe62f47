"""How much a test tries: little in `make test`, which should take five minutes, the full numbers in `make prove`."""

import os

from hypothesis import HealthCheck, settings

from accounts.models import Role

PROVING = bool(os.environ.get("PROVE"))

_common = {"deadline": None, "suppress_health_check": [HealthCheck.function_scoped_fixture, HealthCheck.too_slow]}
settings.register_profile("test", max_examples=20, **_common)
settings.register_profile("prove", max_examples=400, **_common)
settings.load_profile("prove" if PROVING else "test")

STORIES = settings(max_examples=400 if PROVING else 8)  # each example writes a story of its own to the database
DAYS = settings(max_examples=30 if PROVING else 3)  # each example lives through days of ticks


def tells_apart(caller, least):
    """Whether this caller is tried: all of them when proving; else the least role that may, the highest that may not,
    and a stranger.
    """
    roles = list(Role)
    below = roles[: roles.index(least)][-1:]
    return PROVING or caller == "stranger" or caller in (least, *below)
