"""How long a connection may take to say what it asks for: who sends letter by letter holds no place for others.

The server closes a connection that rests between two requests, and waits for ever within one. Here the headers of a
request have a time, and its body has one from each piece to the next.
"""

import asyncio

import h11
from uvicorn.protocols.http.h11_impl import H11Protocol

HEADERS_S = 10.0
"""From the first letter of a request (or from the connection on) to the end of its headers. [s]"""
PIECE_S = 30.0
"""From one piece of a body to the next. [s]"""


class PatientProtocol(H11Protocol):
    """HTTP/1.1 that hangs up on who does not go on."""

    _due: asyncio.TimerHandle | None = None

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """Begin to wait for a request."""
        super().connection_made(transport)
        self._due = self.loop.call_later(HEADERS_S, transport.abort)

    def data_received(self, data: bytes) -> None:
        """Take a piece of a request, and wait for the next one as long as there is one to come."""
        super().data_received(data)
        state = self.conn.their_state
        if state is h11.IDLE and self._due is not None:
            return  # the headers come bit by bit: their time goes on
        self._wait_no_more()
        if state is h11.IDLE:
            self._due = self.loop.call_later(HEADERS_S, self.transport.abort)
        elif state is h11.SEND_BODY:
            self._due = self.loop.call_later(PIECE_S, self._stalled)

    def connection_lost(self, exc: Exception | None) -> None:
        """Wait for nothing any more."""
        self._wait_no_more()
        super().connection_lost(exc)

    def _stalled(self) -> None:
        if self.flow.read_paused:  # it is us who do not go on
            self._due = self.loop.call_later(PIECE_S, self._stalled)
        else:
            self.transport.abort()

    def _wait_no_more(self) -> None:
        if self._due is not None:
            self._due.cancel()
            self._due = None
