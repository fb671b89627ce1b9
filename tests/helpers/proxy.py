"""A tiny reverse proxy: one request a connection, websockets passed on, the path kept or cut off."""

import asyncio
import contextlib
import threading


class Proxy:
    """Serves what another port of this computer serves, below a path.

    Args:
        port: of the app.
        path: that stands before every address, such as ``/tamrl``.
        cut: whether the app is asked without that path.
        told: whether a header says for whom.
    """

    def __init__(self, port, path, cut, told=True):
        self.port, self.path, self.cut, self.told = port, path, cut, told
        self.loop = asyncio.new_event_loop()
        ready = threading.Event()
        threading.Thread(target=self._serve, args=(ready,), daemon=True).start()
        assert ready.wait(10)

    def _serve(self, ready):
        asyncio.set_event_loop(self.loop)
        server = self.loop.run_until_complete(asyncio.start_server(self._handle, "127.0.0.1", 0))
        self.address = f"http://localhost:{server.sockets[0].getsockname()[1]}"
        ready.set()
        self.loop.run_forever()

    def close(self):
        self.loop.call_soon_threadsafe(self.loop.stop)

    async def _handle(self, reader, writer):
        with contextlib.suppress(OSError, asyncio.IncompleteReadError, ValueError):
            head = (await reader.readuntil(b"\r\n\r\n")).decode("latin-1").split("\r\n")
            method, target, version = head[0].split(" ")
            if not target.startswith(self.path + "/"):
                code = "301 Moved\r\nLocation: " + self.path + "/" if target == self.path else "404 Not Found"
                writer.write(f"HTTP/1.1 {code}\r\nContent-Length: 0\r\nConnection: close\r\n\r\n".encode())
                await writer.drain()
                return
            upgrade = any(line.lower().startswith("upgrade:") for line in head)
            lines = [f"{method} {target.removeprefix(self.path) if self.cut else target} {version}"]
            lines += [line for line in head[1:] if line and (upgrade or not line.lower().startswith("connection:"))]
            lines += ["X-Forwarded-For: 203.0.113.7"] if self.told else []
            lines += [] if upgrade else ["Connection: close"]
            far_reader, far_writer = await asyncio.open_connection("127.0.0.1", self.port)
            far_writer.write("\r\n".join([*lines, "", ""]).encode("latin-1"))
            await asyncio.gather(self._pipe(reader, far_writer), self._pipe(far_reader, writer))
        writer.close()

    @staticmethod
    async def _pipe(reader, writer):
        with contextlib.suppress(OSError):
            while block := await reader.read(65536):
                writer.write(block)
                await writer.drain()
        with contextlib.suppress(OSError):
            writer.close()
