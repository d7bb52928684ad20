"""A TCP proxy on loopback that turns bad while it runs.

It stands between one process and a server. Each method may be called from any thread;
all proxies share one event loop in a thread of its own.
"""

import asyncio
import contextlib
import socket
import ssl
import struct
import threading
from functools import cache

CHUNK = 64 * 1024
#: Closing then sends a reset instead of a farewell (SO_LINGER, on, 0 seconds).
RESET = struct.pack("ii", 1, 0)


@cache
def _loop() -> asyncio.AbstractEventLoop:
    loop = asyncio.new_event_loop()
    threading.Thread(target=loop.run_forever, daemon=True, name="proxies").start()
    return loop


class Proxy:
    """Passes on what it gets, until it is told otherwise.

    `delay` (seconds for every piece), `refuses` and `silences` may be set while it
    runs; `silence`, `reset` and `half_close` are done to the connections of now.
    With `tls` it is what terminates TLS, and speaks plainly to the server.
    """

    def __init__(self, port: int, *, tls: ssl.SSLContext | None = None) -> None:
        self.target, self.tls = port, tls
        self.delay = 0.0
        self.refuses = self.silences = False
        self.links: set[Link] = set()
        self.port: int = self._run(self._listen())

    def silence(self) -> int:
        """From now on these connections swallow every byte, and no end says so.

        As when a firewall forgets them: new ones pass. Returns how many they were.
        """
        return self._each(Link.silence)

    def reset(self) -> int:
        """Break every connection, on both sides."""
        return self._each(Link.reset)

    def half_close(self) -> int:
        """Tell the clients that the server says no more; it still hears them."""
        return self._each(Link.half_close)

    def close(self) -> None:
        self._run(self._stop_listening())
        self.reset()

    def _each(self, what) -> int:
        async def all_of_them() -> int:
            links = list(self.links)
            for link in links:
                what(link)
            return len(links)

        return self._run(all_of_them())

    def _run(self, coroutine):
        return asyncio.run_coroutine_threadsafe(coroutine, _loop()).result(10)

    async def _listen(self) -> int:
        self._server = await asyncio.start_server(
            self._accept, "127.0.0.1", 0, ssl=self.tls
        )
        return self._server.sockets[0].getsockname()[1]

    async def _stop_listening(self) -> None:
        self._server.close()  # in any other thread a client that leaves now breaks it

    async def _accept(self, reader, writer) -> None:
        link = Link(self, writer)
        self.links.add(link)
        try:
            await link.live(reader)
        finally:
            self.links.discard(link)
            link.reset()


class Link:
    """One connection: two sockets, and what is carried between them."""

    def __init__(self, proxy: Proxy, client) -> None:
        self.proxy, self.client, self.server = proxy, client, None
        self.silent = proxy.silences

    async def live(self, reader) -> None:
        if self.proxy.refuses:
            return
        with contextlib.suppress(OSError):  # either side may break at any time
            answers, self.server = await asyncio.open_connection(
                "127.0.0.1", self.proxy.target
            )
            await asyncio.gather(
                self._carry(reader, self.server), self._carry(answers, self.client)
            )

    async def _carry(self, reader, writer) -> None:
        while data := await reader.read(CHUNK):
            if self.proxy.delay:
                await asyncio.sleep(self.proxy.delay)
            if not self.silent:
                writer.write(data)
                await writer.drain()
        if not self.silent:
            writer.write_eof() if writer.can_write_eof() else writer.close()

    def silence(self) -> None:
        self.silent = True

    def half_close(self) -> None:
        with contextlib.suppress(OSError):
            self.client.write_eof()

    def reset(self) -> None:
        for writer in filter(None, (self.client, self.server)):
            raw = writer.get_extra_info("socket")
            with contextlib.suppress(OSError):  # closed already
                raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, RESET)
            writer.transport.abort()
