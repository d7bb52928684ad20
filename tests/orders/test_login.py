import pytest

URL = "/api/auth/login/"


@pytest.fixture
def login(api, people):
    people["owner"].set_password("right")
    people["owner"].save()

    def login(password, address="192.0.2.1", **more):
        body = {"username": "owner", "password": password} | more
        return api().post(URL, body, format="json", REMOTE_ADDR=address)

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


@pytest.mark.parametrize("body", [{"username": 1}, {"more": 1}, {"username": None}])
def test_bad_input_is_refused(login, body):
    assert login("right", **body).status_code == 400


def test_a_nul_in_a_name_is_refused(login):
    assert login("right", username="own\0er").status_code == 400
