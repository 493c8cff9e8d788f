"""Wrong passwords at the door, by address and name, and the devices on which a person entered before.

Whoever guesses passwords of a name is refused at that address, long before the account is locked for everybody; and the
device of its owner is let in while it is. A device proves itself by a cookie that only this laboratory could make, and
only while the password is the one it entered with.
"""

import hmac
import secrets
import threading
import time
from collections import OrderedDict
from collections.abc import Callable

from inspect_tool.lab.users import LOCKED, TRIES

NAME = "tries"
"""Of the counts, in ``Bench.kept``."""
_MOST = 10_000  # places that are remembered: the oldest is forgotten first
_SEPARATOR = "."


class Tries:
    """Wrong passwords since the last right one, by where they come from and whom they are for."""

    def __init__(self, clock: Callable[[], float] = time.monotonic) -> None:
        self._clock = clock
        self._lock = threading.Lock()
        self._wrong: OrderedDict[tuple[str, str], tuple[int, float]] = OrderedDict()  # how many, and when the last was

    def are_over(self, place: str, name: str) -> bool:
        """Whether a place is refused for a name at the moment, whatever the password."""
        with self._lock:
            count, last = self._wrong.get((place, name), (0, 0.0))
            return count >= TRIES and self._clock() < last + LOCKED.total_seconds()

    def count(self, place: str, name: str, *, right: bool) -> bool:
        """Count a try; whether it is the one after which the place is refused."""
        with self._lock:
            count, last = self._wrong.pop((place, name), (0, 0.0))
            if right:
                return False
            begins_anew = self._clock() >= last + LOCKED.total_seconds()
            count = 1 if begins_anew else count + 1
            self._wrong[place, name] = (count, self._clock())
            while len(self._wrong) > _MOST:
                self._wrong.popitem(last=False)
            return count == TRIES


def device(account: int, password_hash: str) -> str:
    """Make what a device keeps on which a person entered."""
    mark = secrets.token_urlsafe(16)
    return f"{mark}{_SEPARATOR}{_sealed(account, mark, password_hash)}"


def is_known(kept: str, account: int, password_hash: str) -> bool:
    """Whether a device keeps what it was given when this person entered with this password."""
    mark, _, seal = kept.partition(_SEPARATOR)
    return hmac.compare_digest(seal.encode(), _sealed(account, mark, password_hash).encode())


def _sealed(account: int, mark: str, password_hash: str) -> str:
    return hmac.digest(password_hash.encode(), f"{account} {mark}".encode(), "sha256").hex()
