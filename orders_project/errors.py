"""Every error of the HTTP side as RFC 9457 problem details, whoever raised it.

https://www.rfc-editor.org/rfc/rfc9457. Apps raise ProblemError; DRF's own errors,
Django's, and a lost database are brought into the same form here.
"""

import logging
import sys
from collections.abc import Iterator, Mapping, Sequence
from http import HTTPStatus
from typing import Any, TypedDict

import msgspec
from django.core.exceptions import RequestDataTooBig
from django.db import InterfaceError, InternalError, OperationalError
from django.http import HttpRequest, HttpResponse
from rest_framework.views import exception_handler

logger = logging.getLogger(__name__)

CONTENT_TYPE = "application/problem+json"
RETRY_AFTER_SECONDS = 5
#: What a lost connection, a full server, one that only reads, or a statement that took
#: too long raises.
DATABASE_GONE = (OperationalError, InterfaceError, InternalError)
#: Headers of DRF's answer that the problem keeps.
KEPT = ("Allow", "WWW-Authenticate", "Retry-After")


class FieldError(TypedDict):
    """Which field of the request, written as in `items[0].quantity`, and why."""

    field: str
    detail: str


class ProblemError(Exception):
    """The base of what an app refuses; `slug` names the type of the problem."""

    status = 400
    title = "Bad request"
    slug = ""
    headers: Mapping[str, str] = {}

    def __init__(self, detail: str, errors: Sequence[FieldError] = ()) -> None:
        super().__init__(detail)
        self.detail, self.errors = detail, errors


class DatabaseGoneError(ProblemError):
    """Nothing was promised: of a commit, only the answer may be lost."""

    status, title, slug = 503, "Database not to be had", "database-gone"
    headers = {"Retry-After": str(RETRY_AFTER_SECONDS)}

    def __init__(self) -> None:
        super().__init__(
            "The database did not answer, and nothing is promised. Try again in some "
            "seconds; with an Idempotency-Key a retry is safe whatever had happened."
        )


class BodyTooLargeError(ProblemError):
    status, title, slug = 413, "Body too large", "body-too-large"

    def __init__(self, limit: int) -> None:
        super().__init__(f"A request's body may have {limit} bytes.")


def problem_details(error: Exception, context: dict[str, Any]) -> HttpResponse | None:
    """Answer what a view raised: DRF's EXCEPTION_HANDLER. None is a bug, and a 500."""
    path = context["request"].path
    if isinstance(error, DATABASE_GONE):
        logger.warning("Answered 503: %r", error)
        error = DatabaseGoneError()
    if isinstance(error, ProblemError):
        return refusal(path, error)
    answer = exception_handler(error, context)
    if answer is None:
        return None
    headers = {name: answer[name] for name in KEPT if name in answer}
    return _plain(path, answer.status_code, *_words(answer.data), headers=headers)


def bad_request(request: HttpRequest, exception: Exception) -> HttpResponse:
    """Answer what Django itself refuses: handler400."""
    status = 413 if isinstance(exception, RequestDataTooBig) else 400
    return _plain(request.path, status, "The request was refused.")


def forbidden(request: HttpRequest, exception: Exception) -> HttpResponse:
    return _plain(request.path, 403, str(exception) or "You may not do this.")


def not_found(request: HttpRequest, exception: Exception) -> HttpResponse:  # noqa: ARG001 - Django's
    return _plain(request.path, 404, "There is nothing here. See /api/docs/.")


def database_gone(request: HttpRequest) -> HttpResponse:
    return refusal(request.path, DatabaseGoneError())


def server_error(request: HttpRequest) -> HttpResponse:
    """Answer what nobody caught, in a view or in front of it: handler500."""
    if isinstance(sys.exc_info()[1], DATABASE_GONE):
        return database_gone(request)
    return _plain(request.path, 500, "This is our fault, and it is in our log.")


def refusal(path: str, error: ProblemError) -> HttpResponse:
    return _problem(
        path,
        status=error.status,
        type=f"urn:waybill:{error.slug}",
        title=error.title,
        detail=error.detail,
        errors=error.errors,
        headers=error.headers,
    )


def _plain(
    path: str,
    status: int,
    detail: str,
    errors: Sequence[FieldError] = (),
    headers: Mapping[str, str] | None = None,
) -> HttpResponse:
    # about:blank says that the status means all there is to mean (RFC 9457, 4.2.1).
    return _problem(
        path,
        status=status,
        type="about:blank",
        title=HTTPStatus(status).phrase,
        detail=detail,
        errors=errors,
        headers=headers,
    )


def _problem(
    path: str, *, status: int, headers: Mapping[str, str] | None, **members: object
) -> HttpResponse:
    if not members["errors"]:
        del members["errors"]
    return HttpResponse(
        msgspec.json.encode(members | {"status": status, "instance": path}),
        status=status,
        content_type=CONTENT_TYPE,
        headers=headers,
    )


def _words(data: Any) -> tuple[str, Sequence[FieldError]]:
    """Take DRF's error apart: {"detail": ..}, or messages by the name of the field."""
    if isinstance(data, dict) and set(data) == {"detail"}:
        return str(data["detail"]), ()
    return "The request is not valid.", list(_fields(data, ""))


def _fields(data: Any, path: str) -> Iterator[FieldError]:
    if isinstance(data, dict):
        for name, inner in data.items():
            yield from _fields(inner, f"{path}.{name}" if path else name)
    elif isinstance(data, list):
        for inner in data:
            yield from _fields(inner, path)
    else:
        yield FieldError(field=path, detail=str(data))
