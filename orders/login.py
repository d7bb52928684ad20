"""Tokens for clients that log in: knox keeps them, axes stops those who guess."""

from typing import Annotated, Any

import msgspec
from axes.helpers import get_cool_off
from django.contrib.auth import authenticate
from knox import views as knox
from msgspec import Meta
from rest_framework.permissions import AllowAny
from rest_framework.request import Request
from rest_framework.response import Response

from orders import docs
from orders.bodies import MAX_PASSWORD, TEXT, JSONBytes, Text, body_of, checked
from orders.errors import LockedOutError, WrongLoginError
from orders_project.authentication import TokenAuthentication

HINTS = {"username": TEXT, "password": f"A text of at most {MAX_PASSWORD} characters."}
Password = Annotated[str, Meta(max_length=MAX_PASSWORD)]


class Login(msgspec.Struct, forbid_unknown_fields=True):
    username: Text
    password: Password


_login = msgspec.json.Decoder(Login)


@docs.LOGIN
class LoginView(knox.LoginView):  # type: ignore[misc]
    authentication_classes = ()
    permission_classes = (AllowAny,)
    parser_classes = (JSONBytes,)

    def post(self, request: Request, format: Any = None) -> Response:  # noqa: A002 - knox's
        request.user = _user(request, checked(_login, body_of(request), HINTS))
        answer: Response = super().post(request, format)
        return answer


def _user(request: Request, login: Login) -> Any:
    http: Any = request._request  # noqa: SLF001 - axes knows only Django's own request
    user = authenticate(http, username=login.username, password=login.password)
    if getattr(http, "axes_locked_out", False):
        # Else the middleware of axes would put its page for browsers in our place.
        http.axes_locked_out = False
        raise LockedOutError(int(get_cool_off(http).total_seconds()))
    if user is None:
        raise WrongLoginError
    return user


@docs.LOGOUT
class LogoutView(knox.LogoutView):  # type: ignore[misc]
    """Forget the token that this request came with."""

    authentication_classes = (TokenAuthentication,)


@docs.LOGOUT_ALL
class LogoutAllView(knox.LogoutAllView):  # type: ignore[misc]
    """Forget every token of this login."""

    authentication_classes = (TokenAuthentication,)
