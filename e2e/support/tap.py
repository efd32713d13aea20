"""Something on the way that listens, and cuts."""

import contextlib
import socket
import struct
import threading


class Tap:
    """What connections lead through: sees every byte, and can cut one of them."""

    def __init__(self) -> None:
        self.seen = bytearray()
        # The next connection stands still when so many bytes have come through one way, until it is cut.
        self.hold_after: int | None = None
        self._cut = threading.Event()

    def cut(self) -> None:
        """Resets the connection that stands still, or will."""
        self._cut.set()

    def lead_to(self, port: int) -> int:
        """A port that leads to this one, once."""
        listener = socket.create_server(("127.0.0.1", 0))
        threading.Thread(target=self._relay, args=(listener, port), daemon=True).start()
        return int(listener.getsockname()[1])

    def _relay(self, listener: socket.socket, port: int) -> None:
        with listener, contextlib.suppress(OSError):
            listener.settimeout(60)
            client, _ = listener.accept()
            with client, socket.create_connection(("127.0.0.1", port)) as server:
                limit, self.hold_after = self.hold_after, None
                over = threading.Event()
                ways = [(client, server), (server, client)]
                threads = [threading.Thread(target=self._carry, args=(*way, limit, over), daemon=True) for way in ways]
                for thread in threads:
                    thread.start()
                for thread in threads:
                    thread.join(timeout=300)

    def _carry(self, source: socket.socket, target: socket.socket, limit: int | None, over: threading.Event) -> None:
        passed = 0
        with contextlib.suppress(OSError):
            while data := source.recv(4096):
                part = data if limit is None else data[: limit - passed]
                self.seen += part
                passed += len(part)
                target.sendall(part)
                if passed == limit:
                    self._cut.wait(timeout=300)
                    over.set()
                    for end in (source, target):
                        # Closing resets; this wakes the thread of the other way.
                        end.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
                        end.shutdown(socket.SHUT_RD)
                    return
            if not over.is_set():
                target.shutdown(socket.SHUT_WR)
