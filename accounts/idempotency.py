"""A POST with an `Idempotency-Key` has its effect once: a repeat gets the first answer again.

After draft-ietf-httpapi-idempotency-key-header. The answer is stored in the transaction of the effect, so there is no
moment at which one of the two exists alone.
"""

import hashlib
import json
from collections.abc import Callable
from functools import partial

from django.contrib.auth.models import AnonymousUser
from django.db import connection, transaction
from django.http import HttpRequest, HttpResponse, JsonResponse
from django.urls import Resolver404, resolve
from django.utils import timezone

from accounts import keys
from accounts.models import IdempotentAnswer

HEADER = "Idempotency-Key"
REPLAYED = "Idempotency-Replayed"
LONGEST_KEY = 255
NOT_RUN = frozenset({401, 403, 404, 405, 406, 415, 429})  # answers before any effect: asking again is a new question

View = Callable[[HttpRequest], HttpResponse]


class IdempotencyMiddleware:
    """Stands around every POST below /api/ that carries the header and comes from somebody we know."""

    def __init__(self, get_response: View) -> None:
        self.get_response = get_response

    def __call__(self, request: HttpRequest) -> HttpResponse:
        key = request.headers.get(HEADER)
        if request.method != "POST" or key is None or not request.path.startswith("/api/"):
            return self.get_response(request)
        if not 0 < len(key) <= LONGEST_KEY:
            return _problem(400, "Bad request", f"{HEADER} must have 1 to {LONGEST_KEY} characters.")
        caller = _caller(request)
        if caller is None or _is_repeatable(request):  # to a stranger the view says 401 better than we could
            return self.get_response(request)
        return _once(caller, key, _fingerprint(request), partial(self.get_response, request))


@transaction.atomic
def _once(caller: str, key: str, fingerprint: str, run: Callable[[], HttpResponse]) -> HttpResponse:
    if not _lock(f"{caller} {key}"):
        return _problem(409, "Conflict", "A request with this Idempotency-Key is still running.")
    stored = IdempotentAnswer.objects.filter(caller=caller, key=key).first()
    if stored is not None:
        return _again(stored, fingerprint)
    response = run()
    if response.status_code >= 500 or connection.needs_rollback:
        transaction.set_rollback(True)
    elif response.status_code not in NOT_RUN:
        IdempotentAnswer.objects.create(
            caller=caller,
            key=key,
            fingerprint=fingerprint,
            status=response.status_code,
            body=json.loads(response.content) if response.content else None,
        )
    return response


def _is_repeatable(request: HttpRequest) -> bool:
    """True for a view that says so: no second effect, and it may talk to servers, which no transaction awaits."""
    try:
        view = resolve(request.path).func
    except Resolver404:
        return True
    return bool(getattr(getattr(view, "cls", None), "repeatable", False))


def _again(stored: IdempotentAnswer, fingerprint: str) -> HttpResponse:
    if stored.fingerprint != fingerprint:
        return _problem(422, "Unprocessable content", "This Idempotency-Key was used for another request.")
    status = stored.status or 200
    response = HttpResponse(status=status) if stored.body is None else _json(status, stored.body)
    response[REPLAYED] = "true"
    return response


def _lock(name: str) -> bool:
    """A lock of this transaction; never waits."""
    number = int.from_bytes(hashlib.sha256(name.encode()).digest()[:8], "big", signed=True)
    with connection.cursor() as cursor:
        cursor.execute("SELECT pg_try_advisory_xact_lock(%s)", [number])
        return bool(cursor.fetchone()[0])


def _caller(request: HttpRequest) -> str | None:
    """One name per API key or person; None for a stranger, who must not fill our table."""
    scheme, _, raw = request.headers.get("Authorization", "").partition(" ")
    if scheme.lower() == "bearer":
        key = keys.authenticate(raw=raw.strip(), now=timezone.now())
        return f"key:{key.pk}" if key else None
    return None if isinstance(request.user, AnonymousUser) else f"user:{request.user.pk}"


def _fingerprint(request: HttpRequest) -> str:
    """SHA-256 of what was asked; of a form its fields and files, because each client draws its own boundaries."""
    digest = hashlib.sha256(request.get_full_path().encode())
    if request.content_type == "multipart/form-data":
        digest.update(json.dumps(sorted(request.POST.lists())).encode())
        for name, upload in ((name, one) for name, files in sorted(request.FILES.lists()) for one in files):
            digest.update(f"\0{name}\0{upload.name}\0{upload.size}\0".encode())
            for chunk in upload.chunks():
                digest.update(chunk)
            upload.seek(0)
    else:
        digest.update(request.body)
    return digest.hexdigest()


def _json(status: int, body: object) -> HttpResponse:
    content_type = "application/problem+json" if status >= 400 else "application/json"
    return JsonResponse(body, status=status, safe=False, content_type=content_type)


def _problem(status: int, title: str, detail: str) -> HttpResponse:
    return _json(status, {"type": "about:blank", "title": title, "status": status, "detail": detail})
