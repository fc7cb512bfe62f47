"""What the log leaves out."""

import logging


class ReadinessFilter(logging.Filter):
    """Drops the two lines that every "not ready yet" would log: the answer itself says it, and is asked each second."""

    def filter(self, record: logging.LogRecord) -> bool:
        event = record.msg if isinstance(record.msg, dict) else {}
        path = getattr(getattr(record, "request", None), "path", "") or str(event.get("request", "")).rpartition(" ")[2]
        return path != "/ready"
