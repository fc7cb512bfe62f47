"""Every periodic job, by the string name of its task. Beat runs in UTC; a tick that comes twice is harmless."""

from typing import Any


def _tick(task: str, *, seconds: int) -> dict[str, Any]:
    """A tick expires before it can pile up: the next one does the same work."""
    return {"task": task, "schedule": float(seconds), "options": {"expires": max(seconds * 2, 10)}}


BEAT: dict[str, dict[str, Any]] = {
    "plan": _tick("campaigns.tasks.plan", seconds=5),
    "deliver": _tick("campaigns.tasks.deliver", seconds=5),
    "inbound": _tick("campaigns.tasks.apply_inbound", seconds=5),
    "poll": _tick("integrations.tasks.poll", seconds=5),
    "merges": _tick("campaigns.tasks.apply_merges", seconds=5),
    "duplicates": _tick("prospects.tasks.find_duplicates", seconds=86_400),
    "count": _tick("campaigns.tasks.count", seconds=10),
    "count-week": _tick("campaigns.tasks.count_week", seconds=3600),
    "forecasts": _tick("campaigns.tasks.foretell", seconds=5),
    "imports": _tick("prospects.tasks.run_imports", seconds=2),
    "undo-imports": _tick("campaigns.tasks.undo_imports", seconds=2),
    "errands": _tick("campaigns.tasks.run_errands", seconds=2),
    "housekeeping": _tick("campaigns.tasks.keep_house", seconds=60),
    "forget-answers": _tick("accounts.tasks.forget_answers", seconds=3600),
    "end-suppressed": _tick("campaigns.tasks.end_suppressed", seconds=10),
    "retention": _tick("campaigns.tasks.forget_old", seconds=3600),
    "heartbeat": _tick("campaigns.tasks.heartbeat", seconds=5),
}
