"""What the benches measured last, as JSON beside them: compare it before and after a change, on one machine."""

import json
from datetime import UTC, datetime
from pathlib import Path

FILE = Path(__file__).with_name("results.json")


def keep(name, told):
    """Puts one bench's figures in the place of its last ones."""
    known = json.loads(FILE.read_text()) if FILE.exists() else {}
    known[name] = {"at": datetime.now(UTC).isoformat(timespec="seconds"), "figures": told}
    FILE.write_text(json.dumps(known, indent=1, sort_keys=True) + "\n")
