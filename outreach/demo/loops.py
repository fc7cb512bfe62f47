"""Servers on an asyncio loop in a thread of its own: what the demo world's peers are."""

import asyncio
import threading
from abc import ABC, abstractmethod
from collections.abc import Coroutine
from types import TracebackType
from typing import Any, Self, TypeVar

Result = TypeVar("Result")

HOST = "127.0.0.1"


class LoopThread:
    """A daemon thread that runs one event loop until it is stopped."""

    def __init__(self, name: str) -> None:
        self.loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._run, name=name, daemon=True)

    def start(self) -> None:
        self._thread.start()

    def call(self, work: Coroutine[Any, Any, Result], *, seconds: float = 30) -> Result:
        """Run a coroutine on the loop from any other thread and wait for its result."""
        return asyncio.run_coroutine_threadsafe(work, self.loop).result(timeout=seconds)

    def stop(self) -> None:
        """Cancel what is running, end the loop and join the thread; harmless when called twice."""
        if not self._thread.is_alive():
            return
        self.loop.call_soon_threadsafe(self.loop.stop)
        self._thread.join(timeout=10)

    def _run(self) -> None:
        asyncio.set_event_loop(self.loop)
        try:
            self.loop.run_forever()
            pending = asyncio.all_tasks(self.loop)
            for task in pending:
                task.cancel()
            self.loop.run_until_complete(asyncio.gather(*pending, return_exceptions=True))
        finally:
            self.loop.close()


class LoopServer(ABC):
    """A server on a loop thread; as a context manager it listens inside the block."""

    port: int
    _thread: LoopThread

    def start(self) -> Self:
        """Listen; `port` is the real one from here on. Raises OSError when the port is taken."""
        self._thread.start()
        try:
            self._thread.call(self._listen())
        except BaseException:
            self._thread.stop()
            raise
        return self

    def stop(self) -> None:
        """Drop every connection and end the thread."""
        self._thread.stop()

    def __enter__(self) -> Self:
        return self.start()

    def __exit__(
        self, kind: type[BaseException] | None, error: BaseException | None, trace: TracebackType | None
    ) -> None:
        self.stop()

    @abstractmethod
    async def _listen(self) -> None:
        """Open the port and write it to `port`."""
