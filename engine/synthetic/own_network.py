"""A server in a network of its own, reached by loopback alone, since Orthanc 1.10 has no address to listen at.

    127.0.0.1:PORT ⇄ this process ⇄ file of a socket ⇄ `python -m engine.synthetic.own_network` ⇄ the server

The server sees nothing but its own loopback. What it connects to there comes out here by the same way. It ends with
the process that started it, however that ends.
"""

from __future__ import annotations

import asyncio
import fcntl
import json
import os
import socket
import struct
import subprocess
import sys
import threading
from collections.abc import Sequence
from contextlib import suppress
from typing import NamedTuple

LOOPBACK = "127.0.0.1"
AT_ONCE = 1 << 16
ENDS_IN_S = 30
SIOCGIFFLAGS, SIOCSIFFLAGS, IFF_UP = 0x8913, 0x8914, 0x1  # netdevice(7)
Address = int | str  # a port of loopback, or the file of a socket


class Wire(NamedTuple):
    """Connections that come in at one address go on to another."""

    at: Address
    to: Address


class Relay:
    """Wires of this process, from the making to `close`. OSError where an address cannot be had."""

    def __init__(self, wires: Sequence[Wire]) -> None:
        self._loop = asyncio.new_event_loop()
        self._thread = threading.Thread(target=self._loop.run_forever, name="relay", daemon=True)
        self._thread.start()
        try:
            asyncio.run_coroutine_threadsafe(_listen(wires), self._loop).result()
        except OSError:
            self.close()
            raise

    def close(self) -> None:
        """End: every connection is closed."""
        asyncio.run_coroutine_threadsafe(_cancel_others(), self._loop).result()
        self._loop.call_soon_threadsafe(self._loop.stop)
        self._thread.join()
        self._loop.close()


async def _cancel_others() -> None:
    """End everything else of this loop, in it: the thread that closes a relay may have a loop of its own."""
    others = asyncio.all_tasks() - {asyncio.current_task()}
    for task in others:
        task.cancel()
    await asyncio.gather(*others, return_exceptions=True)


def words(wires: Sequence[Wire], command: Sequence[str], *, as_root: bool) -> list[str]:
    """Return the command that runs another one in a network of its own, with wires that begin or end there.

    as_root : whether this user is root; anybody else is it in there, where the system permits that
    """
    inside = json.dumps({"wires": list(wires), "command": list(command)})
    unshare = ["unshare", *([] if as_root else ["--map-root-user"]), "--net"]
    return [*unshare, sys.executable, "-m", "engine.synthetic.own_network", inside]


async def _listen(wires: Sequence[Wire]) -> list[asyncio.Server]:
    """Begin to listen at every wire; they stay open as long as their loop runs."""
    servers = []
    for at, to in wires:

        async def come(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Address = to) -> None:
            await _joined(reader, writer, to)

        if isinstance(at, int):
            servers.append(await asyncio.start_server(come, LOOPBACK, at))
        else:
            servers.append(await asyncio.start_unix_server(come, at))
    return servers


async def _joined(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, to: Address) -> None:
    """Copy both ways until both have ended; nobody at the other end is an end."""
    try:
        far_reader, far_writer = await _connected(to)
    except OSError:
        writer.close()
        return
    await asyncio.gather(_copied(reader, far_writer), _copied(far_reader, writer))
    for one in (writer, far_writer):
        one.close()


async def _connected(to: Address) -> tuple[asyncio.StreamReader, asyncio.StreamWriter]:
    if isinstance(to, int):
        return await asyncio.open_connection(LOOPBACK, to)
    return await asyncio.open_unix_connection(to)


async def _copied(reader: asyncio.StreamReader, writer: asyncio.StreamWriter) -> None:
    with suppress(OSError):
        while some := await reader.read(AT_ONCE):
            writer.write(some)
            await writer.drain()
    with suppress(OSError, RuntimeError):
        writer.write_eof()


async def _inside(wires: Sequence[Wire], command: Sequence[str]) -> int:
    """Run the server with its wires, until it ends or nobody holds the other end of standard input any more."""
    _loopback_up()
    servers = await _listen(wires)
    loop, ended = asyncio.get_running_loop(), asyncio.Event()
    loop.add_reader(0, lambda: None if os.read(0, 1) else ended.set())
    server = await asyncio.create_subprocess_exec(*command, stdin=subprocess.DEVNULL)
    waits = [asyncio.ensure_future(server.wait()), asyncio.ensure_future(ended.wait())]
    await asyncio.wait(waits, return_when=asyncio.FIRST_COMPLETED)
    if server.returncode is None:
        server.terminate()
        try:
            await asyncio.wait_for(server.wait(), ENDS_IN_S)
        except TimeoutError:
            server.kill()
    for one in servers:
        one.close()
    return await server.wait()


def _loopback_up() -> None:
    """Bring up the loopback of a new network, which begins without."""
    with socket.socket(socket.AF_INET, socket.SOCK_DGRAM) as one:
        named = struct.pack("16sH22x", b"lo", 0)
        (flags,) = struct.unpack_from("16xH", fcntl.ioctl(one, SIOCGIFFLAGS, named))
        fcntl.ioctl(one, SIOCSIFFLAGS, struct.pack("16sH22x", b"lo", flags | IFF_UP))


if __name__ == "__main__":
    given = json.loads(sys.argv[1])
    sys.exit(asyncio.run(_inside([Wire(*one) for one in given["wires"]], given["command"])))
