"""A receiving server that answers as fast as Python can and keeps nothing: the other side of `bench.send`.

Prints its port, then serves until its standard input ends.
"""

import asyncio
import sys


class Sink(asyncio.Protocol):
    """One connection: a reply to each command, in one write for those that came at once; texts are read over."""

    def connection_made(self, transport):
        self.transport, self.waiting, self.is_text = transport, b"", False
        transport.write(b"220 sink\r\n")

    def data_received(self, data):
        self.waiting += data
        said = []
        while self.waiting:
            end = self.waiting.find(b"\r\n.\r\n") if self.is_text else self.waiting.find(b"\r\n")
            if end < 0:
                break
            line, self.waiting = self.waiting[:end], self.waiting[end + (5 if self.is_text else 2) :]
            said.append(self.answer(line[:4].upper()))
        self.transport.write(b"".join(said))
        if said and said[-1].startswith(b"221"):
            self.transport.close()

    def answer(self, word):
        if self.is_text:
            self.is_text = False
            return b"250 2.0.0 taken\r\n"
        match word:
            case b"EHLO":
                return b"250-sink\r\n250-PIPELINING\r\n250 8BITMIME\r\n"
            case b"DATA":
                self.is_text = True
                return b"354 go on\r\n"
            case b"QUIT":
                return b"221 bye\r\n"
            case _:
                return b"250 2.0.0 fine\r\n"


async def serve():
    loop = asyncio.get_running_loop()
    server = await loop.create_server(Sink, "127.0.0.1", 0)
    print(server.sockets[0].getsockname()[1], flush=True)
    await loop.run_in_executor(None, sys.stdin.read)


if __name__ == "__main__":
    asyncio.run(serve())
