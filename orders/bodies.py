"""From the bytes of a request's body to a checked Struct, with errors that teach."""

import re
from collections.abc import Mapping
from typing import Annotated, Any, cast

import msgspec
from django.conf import settings
from msgspec import Meta
from rest_framework.parsers import BaseParser
from rest_framework.request import Request

from orders.errors import InvalidBodyError
from orders_project.errors import BodyTooLargeError, FieldError

#: Of a body that is too large this much is read off, so that the client, which is
#: still sending, gets the answer instead of a broken connection.
MAX_DRAINED = 8 * 1024 * 1024
CHUNK = 64 * 1024
MAX_TEXT = 200
MAX_PASSWORD = 4096
#: As many as items are: an answer is not to be many times as large as its request.
MAX_UNKNOWN = 50
TEXT = f"A text of at most {MAX_TEXT} characters, none of them NUL."

# \Z, since $ lets a line's end through; and PostgreSQL's text cannot hold a NUL.
Text = Annotated[str, Meta(max_length=MAX_TEXT, pattern=r"^[^\x00]*\Z")]

_names = msgspec.json.Decoder(dict[str, msgspec.Raw])

#: "what is wrong - at `$.items[0].quantity`"
WRONG = re.compile(r"(?P<what>.*?)(?: - at `\$\.?(?P<where>.*)`)?", re.DOTALL)
#: All of `what` where a text has not the form it must have; the words are a hint's.
UNFORMED = "Expected `str` matching regex "
#: The end of `what` where a field is missing or unknown.
NAMED = re.compile(r"(?:required|unknown) field `(?P<name>.*)`", re.DOTALL)


class JSONBytes(BaseParser):
    """Hands a view the bytes of a JSON body, up to DATA_UPLOAD_MAX_MEMORY_SIZE."""

    media_type = "application/json"

    def parse(  # type: ignore[override]
        self,
        stream: Any,
        media_type: str | None = None,  # noqa: ARG002 - DRF's
        parser_context: Mapping[str, Any] | None = None,  # noqa: ARG002 - DRF's
    ) -> bytes:
        # DRF reads the stream past Django's own limit, so it is kept here.
        limit: int = settings.DATA_UPLOAD_MAX_MEMORY_SIZE
        body: bytes = stream.read(limit + 1)
        if len(body) > limit:
            for _ in range(MAX_DRAINED // CHUNK):
                if not stream.read(CHUNK):
                    break
            raise BodyTooLargeError(limit)
        return body


def body_of(request: Request) -> bytes:
    """Return what JSONBytes read; DRF itself makes an empty dict of an empty body."""
    if not request.data and request.META.get("wsgi.input_terminated"):
        # In chunks, without a length: Django takes that for none.
        return JSONBytes().parse(request.META["wsgi.input"])
    return cast("bytes", request.data or b"")


def checked(
    decoder: msgspec.json.Decoder[Any],
    raw: bytes,
    hints: Mapping[str, str],
) -> Any:
    """Decode a JSON object; raises InvalidBodyError that names the fields.

    A field that has a pattern needs a hint: nobody is shown a regular expression.
    """
    try:
        return decoder.decode(raw)
    except msgspec.ValidationError as error:
        explained = [_explained(str(error), hints)]
        unknown = "unknown field" in str(error) and _unknown(decoder.type, raw)
        raise InvalidBodyError(unknown or explained) from None
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        wrong = [FieldError(field="", detail=f"The body is not JSON: {error}.")]
        raise InvalidBodyError(wrong) from None


def _explained(text: str, hints: Mapping[str, str]) -> FieldError:
    found = WRONG.fullmatch(text)
    what, where = (found["what"], found["where"] or "") if found else (text, "")
    if named := NAMED.search(what):
        where = f"{where}.{named['name']}".lstrip(".")
    name = re.sub(r"\[\d+\]$", "[]", where).rpartition(".")[2]
    hint = hints.get(name, "")
    more = "" if what.startswith(UNFORMED) else f"{what}."
    return FieldError(field=where, detail=f"{hint} {more}".strip())


def _unknown(form: Any, raw: bytes) -> list[FieldError]:
    """Return the unknown fields at the top; msgspec itself stops at the first."""
    names = _names.decode(raw) if raw.lstrip().startswith(b"{") else {}
    unknown = [name for name in names if name not in form.__struct_encode_fields__]
    return [
        FieldError(field=name, detail="There is no such field.")
        for name in unknown[:MAX_UNKNOWN]
    ]
