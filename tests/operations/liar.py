"""A server at the edge that speaks as the platform does and may be bad in one way. Keeps epochs as
a list for each night, so that it can forget some or have some twice."""

import json
import threading
import time
from collections import defaultdict
from collections.abc import Iterator
from contextlib import contextmanager
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer
from typing import Any, ClassVar

FLOATS = 15


class Liar(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"
    badness = ""
    lock: ClassVar[threading.Lock]
    nights: ClassVar[dict[str, list[int]]]
    asked: ClassVar[dict[str, int]]

    def do_POST(self) -> None:
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        with self.lock:
            self.asked[self.path] += 1
            count = self.asked[self.path]
        if self.path == "/v1/recordings:start":
            with self.lock:
                name = f"n{len(self.nights)}"
                self.nights[name] = []
            self.say(201, {"id": name})
        elif self.path == "/v1/epochs:ingest":
            self.ingest(body, count)
        elif self.badness == "slow" and count == 1:
            time.sleep(1.5)
            self.say(200, {"model_version": "m"})
        elif self.badness == "refuses" and count % 3 == 0:
            self.say(503, {"code": "overloaded"})
        elif self.badness == "hangs up" and count == 2:
            self.close_connection = True
        else:
            self.say(200, {"model_version": "m"})

    def ingest(self, body: dict[str, Any], count: int) -> None:
        size = len(body["epochs"]) * 3 // 4 // (4 * FLOATS)
        indices = range(body["start_index"], body["start_index"] + size)
        with self.lock:
            known = self.nights[body["recording_id"]]
            if self.badness == "loses" and count == 7:
                indices = range(0)
            known += [i for i in indices if self.badness == "doubles" or i not in known]
        self.say(200, {})

    def do_GET(self) -> None:
        parts = self.path.partition("?")[0].split("/")
        if self.path == "/v1/openapi.json":
            return self.say(200, {"info": {"version": "liar"}})
        known = self.nights[parts[3]]
        count = len(known) + (self.badness == "miscounts")
        return self.say(200, {"epoch_count": count, "items": known})

    def say(self, status: int, body: dict[str, Any]) -> None:
        raw = json.dumps(body).encode()
        self.send_response(status)
        self.send_header("Content-Length", str(len(raw)))
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *_words: Any) -> None:
        return


@contextmanager
def lying(badness: str = "") -> Iterator[str]:
    """The address of one; without a badness it is honest."""
    facts = {"badness": badness, "lock": threading.Lock(), "nights": {}, "asked": defaultdict(int)}
    server = ThreadingHTTPServer(("127.0.0.1", 0), type("Bad", (Liar,), facts))
    server.daemon_threads = True
    thread = threading.Thread(target=server.serve_forever, args=(0.05,))
    thread.start()
    try:
        yield f"http://127.0.0.1:{server.server_port}"
    finally:
        server.shutdown()
        thread.join()
        server.server_close()
