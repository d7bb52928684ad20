"""Requests that come while others are being served are served together, as one batch.

Who comes alone is served at once: there is no timer. Under load a batch forms while the
one before it is at work, as it does in a queue's worker.
"""

from collections.abc import Callable, Sequence
from concurrent.futures import Future
from threading import Event, Lock
from typing import Generic, TypeVar

from django.db import IntegrityError

W = TypeVar("W")
R = TypeVar("R")


class Waiting(Generic[W, R]):
    """One thread's wish. Woken without an answer, the thread serves all that wait."""

    def __init__(self, wanted: W) -> None:
        self.wanted = wanted
        self.answer: Future[R] = Future()
        self.woken = Event()

    def tell(self, answer: R | BaseException) -> None:
        if isinstance(answer, BaseException):
            self.answer.set_exception(answer)
        else:
            self.answer.set_result(answer)
        self.woken.set()


class Together(Generic[W, R]):
    """Has `serve` answer what has come meanwhile, in one of the threads that wait.

    It returns an answer or an error for each; what it raises is raised in all, but for
    what the database finds wrong with one of them at COMMIT: then each is served alone.
    """

    def __init__(
        self, serve: Callable[[Sequence[W]], Sequence[R | BaseException]]
    ) -> None:
        self.serve = serve
        self.lock = Lock()
        self.busy = False
        self.waiting: list[Waiting[W, R]] = []

    def __call__(self, wanted: W) -> R:
        mine = Waiting[W, R](wanted)
        if not self._is_first(mine):
            mine.woken.wait()
        if not mine.answer.done():
            self._serve_all()
        return mine.answer.result()

    def _is_first(self, mine: Waiting[W, R]) -> bool:
        with self.lock:
            self.waiting.append(mine)
            was_busy, self.busy = self.busy, True
        return not was_busy

    def _serve_all(self) -> None:
        with self.lock:
            batch, self.waiting = self.waiting, []
        answers = self._answers([one.wanted for one in batch])
        for one, answer in zip(batch, answers, strict=True):
            one.tell(answer)
        with self.lock:
            self.busy = bool(self.waiting)
            if self.busy:
                self.waiting[0].woken.set()

    def _answers(self, batch: Sequence[W]) -> Sequence[R | BaseException]:
        try:
            return self.serve(batch)
        except IntegrityError as error:
            if len(batch) == 1:
                return [error]
            return [answer for one in batch for answer in self._answers([one])]
        except BaseException as error:  # noqa: BLE001 - else the others wait for ever
            return [error] * len(batch)
