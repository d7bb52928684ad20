"""A mail server that answers as a test wants, and keeps the mails it has taken."""

import socketserver
import threading
from collections import defaultdict
from contextlib import contextmanager

#: Instead of an answer: the connection is cut.
HANG_UP = ""
#: What is asked of an address that is always told to come later, and of no other.
LATER = "450 4.2.0 Greylisted"
USUAL = {"data": "354 Go on", "quit": "221 Bye"}


class Server(socketserver.ThreadingTCPServer):
    daemon_threads = True

    def __init__(self):
        super().__init__(("127.0.0.1", 0), Talk)
        #: Command -> what is answered to its next ones; `.` is the end of a mail.
        self.answers = defaultdict(list)
        self.not_now = None
        self.mails, self.talks = [], 0

    def answer_to(self, command, line):
        if self.not_now and command == "rcpt" and self.not_now in line:
            return LATER
        queued = self.answers[command]
        return queued.pop(0) if queued else USUAL.get(command, "250 Fine")


class Talk(socketserver.StreamRequestHandler):
    def handle(self):
        self.server.talks += 1
        self.say("220 Ready")
        while line := self.rfile.readline().decode():
            if not self.go_on(line.split()[0].lower(), line):
                return

    def go_on(self, command, line):
        answer = self.server.answer_to(command, line)
        if answer.startswith("354"):
            self.say(answer)
            return self.take()
        return self.say(answer) and command != "quit"

    def take(self):
        mail = "".join(iter(lambda: self.rfile.readline().decode(), ".\r\n"))
        answer = self.server.answer_to(".", mail)
        if answer.startswith("250"):
            self.server.mails.append(mail)
        return self.say(answer)

    def say(self, answer):
        if answer != HANG_UP:
            self.wfile.write(f"{answer}\r\n".encode())
        return answer != HANG_UP


@contextmanager
def running():
    with Server() as server:
        thread = threading.Thread(target=server.serve_forever, args=(0.02,))
        thread.start()
        try:
            yield server
        finally:
            server.shutdown()
            thread.join()
