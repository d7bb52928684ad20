import pytest
from axes.models import AccessLog
from django.contrib.sessions.models import Session

URL = "/api/auth/login/"


@pytest.fixture
def login(api, people):
    people["owner"].set_password("right")
    people["owner"].save()

    def login(password, address="192.0.2.1", forwarded=None, **more):
        body = {"username": "owner", "password": password} | more
        came = {"REMOTE_ADDR": address}
        if forwarded is not None:
            came["HTTP_X_FORWARDED_FOR"] = forwarded
        return api().post(URL, body, format="json", **came)

    return login


def test_a_token_opens_ones_orders_until_logout(login, api):
    answer = login("right")
    assert answer.status_code == 200
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Token {answer.json()['token']}")
    assert client.get("/api/orders/").status_code == 200
    assert client.post("/api/auth/logout/").status_code == 204
    assert client.get("/api/orders/").status_code == 401


def test_logging_out_of_everything_forgets_every_token(login, api):
    clients = [api(), api()]
    for client in clients:
        token = login("right").json()["token"]
        client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert clients[0].post("/api/auth/logout-all/").status_code == 204
    assert clients[1].get("/api/orders/").status_code == 401


def test_a_login_leaves_neither_a_session_nor_a_record_that_nobody_prunes(login, api):
    answer = login("right")
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Token {answer.json()['token']}")
    client.post("/api/auth/logout/")
    assert not answer.cookies
    assert not Session.objects.exists()
    assert not AccessLog.objects.exists()


@pytest.mark.parametrize("token", ["nonsense", "\xff\xfe", "\xc3\xa9" * 30])
@pytest.mark.parametrize("page", ["orders/", "auth/logout/", "auth/logout-all/"])
def test_whatever_is_no_token_is_refused(api, db, page, token):
    client = api()
    client.credentials(HTTP_AUTHORIZATION=f"Token {token}")
    assert client.post(f"/api/{page}").status_code == 401


def test_a_wrong_password_is_a_problem(login):
    answer = login("wrong")
    assert answer.status_code == 401
    assert answer["WWW-Authenticate"] == "Token"


def test_who_guesses_is_locked_out_even_with_the_right_password(login, settings):
    for _ in range(settings.AXES_FAILURE_LIMIT):
        login("wrong")
    answer = login("right")
    assert answer.status_code == 429
    assert answer["Content-Type"] == "application/problem+json"
    assert int(answer["Retry-After"]) > 0


def test_who_guesses_locks_out_neither_the_owner_nor_the_neighbours(
    login, people, settings
):
    people["stranger"].set_password("right")
    people["stranger"].save()
    for _ in range(settings.AXES_FAILURE_LIMIT):
        login("wrong")
    assert login("right", address="192.0.2.2").status_code == 200
    assert login("right", username="stranger").status_code == 200


def test_behind_a_proxy_each_client_counts_alone(login, settings):
    settings.NUM_PROXIES = 1
    for _ in range(settings.AXES_FAILURE_LIMIT):
        login("wrong", forwarded="198.51.100.1")
    assert login("right", forwarded="198.51.100.1").status_code == 429
    assert login("right", forwarded="198.51.100.2").status_code == 200


def test_a_client_cannot_hide_behind_addresses_it_made_up(login, settings):
    settings.NUM_PROXIES = 1
    for number in range(settings.AXES_FAILURE_LIMIT):
        login("wrong", forwarded=f"203.0.113.{number}, 198.51.100.1")
    assert login("right", forwarded="x, 198.51.100.1").status_code == 429


@pytest.mark.parametrize("forwarded", ["nonsense", "", "203.0.113.1,"])
def test_what_is_no_address_counts_by_where_it_comes_from(login, settings, forwarded):
    settings.NUM_PROXIES = 1
    for _ in range(settings.AXES_FAILURE_LIMIT):
        login("wrong", forwarded=forwarded)
    assert login("right", forwarded=forwarded).status_code == 429


@pytest.mark.parametrize("body", [{"username": 1}, {"more": 1}, {"username": None}])
def test_bad_input_is_refused(login, body):
    assert login("right", **body).status_code == 400


def test_a_nul_in_a_name_is_refused_in_words(login):
    answer = login("right", username="own\0er")
    assert answer.status_code == 400
    (error,) = answer.json()["errors"]
    assert error["field"] == "username"
    assert error["detail"] == "A text of at most 200 characters, none of them NUL."
