"""Questions to a person on a terminal. Answers for a sign-in may also come from a pipe."""

from __future__ import annotations

import datetime as dt
import sys
from typing import Any

import typer

from tgtagger.cli.failures import usage
from tgtagger.cli.hints import hint_of
from tgtagger.cli.render import Screen
from tgtagger.cli.wording import one_line
from tgtagger.errors import ActionNeeded, InputError, TgTaggerError
from tgtagger.system import signals


def is_asked() -> bool:
    """Tell whether a person can answer a question."""
    return sys.stdin is not None and sys.stdin.isatty() and sys.stderr.isatty()


def confirm(question: str, *, otherwise: str) -> None:
    """Ask on a terminal. Raises InputError where nobody can answer, and for the answer no."""
    if not sys.stdin.isatty():
        raise usage(otherwise)
    if not typer.confirm(question, err=True):
        raise usage("nothing was changed")


def choose(question: str, letters: str, *, default: str) -> str:
    """Return the letter that a person chooses; anything else is asked again."""
    while True:
        answer = _prompt(question, default=default).lower()[:1]
        if answer and answer in letters:
            return answer


def ask_line(question: str) -> str:
    """Return what a person types; it may be empty."""
    return _prompt(question, default="", show_default=False)


def _prompt(question: str, **how: Any) -> str:
    """Return the answer. Raises KeyboardInterrupt for Ctrl-C, and Ctrl-D: a run notes it so."""
    try:
        return str(typer.prompt(question, err=True, **how)).strip()
    except typer.Abort:
        raise KeyboardInterrupt from None


class SignInPrompts:
    """Writes questions to stderr; reads answers from the terminal or, line by line, from a pipe."""

    def __init__(self, screen: Screen) -> None:
        self._screen = screen
        self._qr_shown = False
        self._phone = ""

    def ask(self, question: str, *, hidden: bool = False) -> str:
        """Return the answer. Raises ActionNeeded where nobody can give one."""
        with signals.raised():  # a question waits in C, where a loop would miss the signal
            return self._ask(question, hidden=hidden)

    def _ask(self, question: str, *, hidden: bool) -> str:
        if sys.stdin is not None and sys.stdin.isatty():
            answer: str = typer.prompt(question, hide_input=hidden, err=True)
            return answer.strip()
        line = sys.stdin.readline() if sys.stdin is not None else ""
        if not line:
            raise ActionNeeded("nobody_to_answer", question=question.lower())
        return line.strip()

    def server(self, address: str) -> None:
        self._screen.warn(f"signing in at {address}: this is not Telegram's own server")

    def phone(self, problem: InputError | None) -> str:
        """Return the phone number: the last one, if nothing is wrong with it."""
        if problem is not None:
            self.wrong(problem)
        if problem is not None or not self._phone:
            self._phone = self.ask("Phone number, with its country code")
        return self._phone

    def wrong(self, problem: TgTaggerError) -> None:
        """Tell what is wrong with an answer, and what would be right."""
        hint = hint_of(problem)
        self._screen.warn(f"{problem}: {hint}" if hint else str(problem))

    def country(self) -> str:
        if not is_asked():
            return ""
        with signals.raised():
            answer: str = typer.prompt(
                "Country code, such as 44 (press Enter if the number begins with it)",
                default="", show_default=False, err=True,
            )  # fmt: skip
        return answer

    def code(self, *, again: bool) -> str:
        if again:
            self._screen.warn("that code was wrong; try once more")
        return self.ask("The code that Telegram sent you")

    def password(self, hint: str | None, *, again: bool) -> str:
        if again:
            self._screen.warn("that password was wrong; try once more")
        shown = f" (hint: {one_line(hint)})" if hint else ""
        return self.ask(f"Cloud password{shown}", hidden=True)

    def show_qr(self, url: str, expires: dt.datetime) -> None:
        import segno

        if not self._qr_shown:
            self._screen.warn(
                "Scan this in Telegram on your phone: Settings, Devices, Link Desktop Device"
            )
        else:
            self._screen.warn("a new code:")
        self._qr_shown = True
        segno.make(url, micro=False).terminal(out=sys.stderr, border=2, compact=True)
        if not sys.stderr.isatty():
            self._screen.warn(url)

    def say(self, text: str) -> None:
        self._screen.warn(text)
