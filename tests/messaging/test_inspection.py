"""What RabbitMQ's management API says, and what is not that API at all."""

import time
from http.server import BaseHTTPRequestHandler, HTTPServer
from threading import Thread

import pytest
from django.core.management import CommandError, call_command

from orders_project.messaging import inspection

PAGE = b"HTTP/1.0 200 OK\r\n\r\n<html>A shop</html>"
REFUSED = b"HTTP/1.0 401 Unauthorized\r\n\r\n"
CUT_OFF = b"HTTP/1.0 200 OK\r\nContent-Length: 9\r\n\r\n[]"


@pytest.fixture
def says(settings):
    """Have a server answer with these bytes where the management API should be."""

    class Handler(BaseHTTPRequestHandler):
        def handle(self):
            while self.rfile.readline().strip():
                pass
            self.wfile.write(server.answer)

    with HTTPServer(("127.0.0.1", 0), Handler) as server:
        Thread(target=server.serve_forever, args=(0.05,)).start()
        settings.MANAGEMENT_URL = f"http://127.0.0.1:{server.server_port}"
        yield lambda answer: setattr(server, "answer", answer)
        server.shutdown()


@pytest.mark.parametrize(
    ("answer", "said"),
    [
        (b"AMQP\x00\x00\x09\x01", r"BadStatusLine\('AMQP\\x00"),
        (b"", r"RemoteDisconnected"),
        (PAGE, r"JSONDecodeError"),
        (b"HTTP/1.0 200 OK\r\n\r\n\xff", r"UnicodeDecodeError"),
        (CUT_OFF, r"IncompleteRead"),
        (REFUSED, r"401: 'Unauthorized'"),
    ],
    ids=["AMQP", "restarting", "a web server", "no text", "cut off", "wrong login"],
)
def test_who_is_no_management_api_is_told_in_words_with_what_helps(says, answer, said):
    says(answer)
    with pytest.raises(CommandError, match=rf"{said}.*set MANAGEMENT_URL=http://user"):
        call_command("queues")


def test_the_queues_are_watched_until_ctrl_c(monkeypatch, capsys):
    def ctrl_c(_seconds):
        raise KeyboardInterrupt

    monkeypatch.setattr(inspection, "queues", list)
    monkeypatch.setattr(time, "sleep", ctrl_c)
    try:
        call_command("queues", "--watch", "1")
    except KeyboardInterrupt:
        pytest.fail("it ends in a traceback")
    assert "Queues" in capsys.readouterr().out
