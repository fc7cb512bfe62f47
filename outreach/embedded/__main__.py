"""`python -m outreach.embedded FOLDER`: the supervisor, which detaches itself and tells its caller how it went."""

import fcntl
import logging
import os
import sys
import time

from outreach.embedded import folder as folders
from outreach.embedded.folder import EmbeddedError, Folder
from outreach.embedded.supervisor import Supervisor

REFUSED = 3  # another supervisor holds the lock
UP = "up"


def main(path: str) -> int:
    """Exit status 0 when a supervisor was detached; on its output the caller then reads `up` or a sentence."""
    folder = folders.at(path)
    folder.prepare()
    lock = folders.open_lock(folder.lock_file("supervisor"))
    try:
        fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
    except BlockingIOError:
        return REFUSED
    if os.fork():
        return 0  # the lock lives on in the child
    _supervise(folder)
    return 0


def _supervise(folder: Folder) -> None:
    output = (folder.logs / "supervisor.log").open("a")
    os.dup2(output.fileno(), 2)  # our caller waits until both its pipes are closed
    handler = logging.StreamHandler(output)
    formatter = logging.Formatter("%(asctime)sZ %(message)s", "%Y-%m-%dT%H:%M:%S")
    formatter.converter = time.gmtime
    handler.setFormatter(formatter)
    logging.basicConfig(level=logging.INFO, handlers=[handler])
    supervisor = None
    try:
        supervisor = Supervisor(folder)
        supervisor.start()
        _tell(UP)
        supervisor.watch()
    except EmbeddedError as error:
        logging.error("%s", error)
        _tell(str(error))
    except OSError as error:
        logging.exception("the supervisor cannot go on")
        _tell(f"The data folder {folder.path} cannot be used: {error}.")
    finally:
        if supervisor is not None:
            supervisor.stop()
        logging.info("the supervisor ends")


def _tell(answer: str) -> None:
    """Say one thing to the caller, who reads until our output is closed."""
    os.write(1, answer.encode())
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, 1)
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main(sys.argv[1]))
