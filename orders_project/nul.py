"""No stranger asks PostgreSQL with a NUL: it refuses, and the answer would be 500."""

from collections.abc import Callable, Iterator

from django.http import HttpRequest, HttpResponse

from orders_project import errors

Answering = Callable[[HttpRequest], HttpResponse]


class NulError(errors.ProblemError):
    title, slug = "NUL character", "nul-character"

    def __init__(self, field: str) -> None:
        detail = f"{field} holds a NUL character, which no text here can."
        super().__init__(detail, [errors.FieldError(field=field, detail=detail)])


def refused(answer: Answering) -> Answering:
    """Django's middleware; bodies are looked at where they are read."""

    def middleware(request: HttpRequest) -> HttpResponse:
        for field, text in _said(request):
            if "\0" in text:
                return errors.refusal(request.path, NulError(field))
        return answer(request)

    return middleware


def _said(request: HttpRequest) -> Iterator[tuple[str, str]]:
    yield "the address", request.path
    yield from request.COOKIES.items()
    for name, texts in request.GET.lists():
        yield name, name + "".join(texts)
