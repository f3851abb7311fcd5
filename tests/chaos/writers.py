"""Eight writers that never give a batch up: the same bytes again until it is acknowledged."""

import http.client
import json
import random
import threading
import time
import uuid
from dataclasses import dataclass, field

from tests.chaos.ledger import Ledger
from tests.chaos.night import FORMS, LARGEST_PIECE, LENGTH, Night, Piece, encoded

WRITERS = 8
PATIENCE_S = 15.0
PAUSE_S = 0.1
Sent = tuple[bytes, dict[str, str]]


@dataclass
class Writer:
    port: int
    token: str
    ledger: Ledger
    stopping: threading.Event
    rng: random.Random
    _connection: http.client.HTTPConnection | None = field(default=None, init=False)

    def run(self) -> None:
        """Send until told to stop; the batch in hand is sent to its end."""
        features = {night.number: night.features for night in self.ledger.nights}
        try:
            while not self.stopping.is_set():
                night = self.rng.choice(self.ledger.nights)
                self.deliver(self._piece(night, features[night.number]))
        finally:
            self._hang_up()

    def _piece(self, night: Night, features: object) -> Piece:
        first = self.rng.randrange(LENGTH - 1)
        count = self.rng.randint(1, LARGEST_PIECE)
        return Piece(night, first, features[first : first + count])  # type: ignore[index]  # array

    def deliver(self, piece: Piece) -> None:
        raw, headers = encoded(piece.body(self.rng.choice(FORMS)), self.rng.random() < 0.2)
        if self.rng.random() < 0.2:
            headers["Idempotency-Key"] = str(uuid.UUID(int=self.rng.getrandbits(128)))
        self.ledger.note_sent(piece)
        is_retry = False
        while not self._is_settled(piece, (raw, headers), is_retry):
            is_retry = True
            time.sleep(PAUSE_S * self.rng.random())

    def _is_settled(self, piece: Piece, sent: Sent, is_retry: bool) -> bool:
        try:
            status, body = self._post(*sent)
        except (OSError, http.client.HTTPException) as error:
            self._hang_up()
            self.ledger.note_answer(type(error).__name__, is_retry)
            return False
        self.ledger.note_answer(str(status), is_retry)
        if status == http.client.OK:
            self.ledger.note_acknowledged(piece)
            return True
        if json.loads(body)["retryable"]:
            return False
        self.ledger.unexpected.append(f"{status} {body[:500]!r}")
        return True

    def _post(self, raw: bytes, headers: dict[str, str]) -> tuple[int, bytes]:
        if self._connection is None:
            connect = http.client.HTTPConnection
            self._connection = connect("127.0.0.1", self.port, timeout=PATIENCE_S)
        fixed = {"Authorization": f"Bearer {self.token}", "Content-Type": "application/json"}
        self._connection.request("POST", "/v1/epochs:ingest", raw, fixed | headers)
        response = self._connection.getresponse()
        return response.status, response.read()

    def _hang_up(self) -> None:
        if self._connection is not None:
            self._connection.close()
            self._connection = None
