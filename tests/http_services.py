"""Sending services on loopback: what Resend, Brevo and Postmark say over HTTP, and what they truly took."""

import json
import threading
from http.server import BaseHTTPRequestHandler, ThreadingHTTPServer

KEY = "canary-key"
CLOSE, HANG = "close", "hang"


class Services(ThreadingHTTPServer):
    """Answers as the three services do; `says` may answer otherwise before a request is worked on, or instead.

    `says(number)` gets the number of the request and returns None, (status, headers, body), or CLOSE or HANG: these
    take the mail and never say so.
    """

    daemon_threads = True
    block_on_close = False

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Handler)
        self.says = lambda number: None
        self.requests, self.accepted, self.by_key = [], [], {}
        self.lock, self.released = threading.Lock(), threading.Event()

    @property
    def urls(self):
        return {name: f"http://127.0.0.1:{self.server_port}/{name}/" for name in ("resend", "brevo", "postmark")}

    def take(self, service, key, mail):
        """What the service answers; it works on a request with a key it knows no second time."""
        with self.lock:
            known = self.by_key.get(key) if key else None
            if known and service == "brevo":
                return 400, {"code": "duplicate_parameter", "message": "idempotencyKey was used before"}
            if known:
                return 200, known
            self.accepted.append(mail)
            number = str(len(self.accepted))
            names = {"resend": {"id": number}, "brevo": {"messageId": f"<{number}@brevo.example>"}}
            answer = names.get(service) or {"ErrorCode": 0, "Message": "OK", "MessageID": number, "To": mail["To"]}
            if key:
                self.by_key[key] = answer
            return 200, answer


class Handler(BaseHTTPRequestHandler):
    protocol_version = "HTTP/1.1"

    def do_GET(self):
        self.server.requests.append((self.path, dict(self.headers), None))
        said = self.server.says(len(self.server.requests))
        good = KEY in str(dict(self.headers))
        self.answer(*(said or ((200 if good else 401), {}, {"message": "fine" if good else "API key is invalid"})))

    def do_POST(self):
        body = json.loads(self.rfile.read(int(self.headers["Content-Length"])))
        server, service = self.server, self.path.split("/")[1]
        server.requests.append((self.path, dict(self.headers), body))
        said = server.says(len(server.requests))
        if isinstance(said, tuple):
            self.answer(*said)
            return
        key = self.headers.get("Idempotency-Key") or body.get("headers", {}).get("idempotencyKey", "")
        status, answer = server.take(service, key, body)
        if said == HANG:
            server.released.wait(20)
        if said:
            self.close_connection = True
            return
        self.answer(status, {}, answer)

    def answer(self, status, headers, body):
        raw = json.dumps(body).encode()
        self.send_response(status)
        for name, value in {**headers, "Content-Length": str(len(raw)), "Content-Type": "application/json"}.items():
            self.send_header(name, value)
        self.end_headers()
        self.wfile.write(raw)

    def log_message(self, *args):
        pass


def keys(server):
    """The idempotency keys of all requests, in order."""
    return [
        headers.get("Idempotency-Key") or body.get("headers", {}).get("idempotencyKey", "")
        for _, headers, body in server.requests
    ]
