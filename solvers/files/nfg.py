r"""Read and write Gambit's .nfg files exactly, in the payoff form and in the outcome form.

A file has a heading and a body. The heading is `NFG 1 R`, the title, the names of the players in braces, the
numbers of their strategies in braces (or nested braces with the strategies' names), and optionally a comment.
The body holds the cells **with the first player's strategy varying fastest**. In the payoff form, a cell is
the payoffs of all players. In the outcome form, a list of named outcomes precedes the cells, and a cell is
the number of an outcome; 0 stands for payoffs of 0.

McKelvey, McLennan & Turocy (2014), Gambit: Software Tools for Game Theory, "The strategic game (.nfg) file
format".
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from solvers.base import json_number
from solvers.files.normal_form import NormalForm, n_payoffs, normal_form
from solvers.payoffs import Payoffs, number

TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<brace>[{}]) | (?P<comma>,) | "(?P<text>(?:[^"]|(?<=\\)")*+)"
        | (?P<number>[+-]?[\d.][^\s{},"]*) | (?P<word>[^\s{},"]+)""",
    re.VERBOSE,
)


@dataclasses.dataclass(frozen=True)
class Token:
    """A token of a file: its kind, its text, and the positions of its start and its end."""

    kind: str
    text: str
    start: int
    end: int


def parse(text: str) -> NormalForm:
    """Read a game from the content of a .nfg file.

    Args:
        text: the content of the file.

    Raises:
        ValueError: if it is not a .nfg file; the message names the line and the column.

    Example:
        >>> game = parse('NFG 1 R "Selten" { "Ann" "Bob" } { 3 2 } 1 1 0 2 0 2 1 1 0 3 2 0')
        >>> game.payoffs[:, 1, 0].tolist()  # Ann's second strategy and Bob's first
        [Fraction(0, 1), Fraction(2, 1)]
    """
    return Reader(text).game()


class Reader:
    """A parser that reads a file token by token, from the heading to the last cell."""

    def __init__(self, text: str):
        self.text = text
        self.next_token = self.token(0)

    def token(self, at: int) -> Token:
        """The first token at or after a position; a token of kind `end` after the last one."""
        match = TOKEN.match(self.text, at)
        if match is not None and match.lastgroup == "space":
            at = match.end()
            match = TOKEN.match(self.text, at)
        if match is None:
            if at < len(self.text):  # only an unclosed quotation mark matches nothing
                self.fail("a text that is never closed begins", at)
            return Token("end", "the end of the file", at, at)
        kind = str(match.lastgroup)
        return Token(kind, match[kind], at, match.end())

    def fail(self, what: str, at: int) -> NoReturn:
        """Raise a `ValueError` that names line and column."""
        line, column = self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)
        raise ValueError(f"The file is not a Gambit .nfg file: {what} at line {line}, column {column}.")

    def consume(self, kind: str, expected: str, *texts: str) -> Token:
        """Read the next token, which must have this kind and, if texts are given, one of these texts."""
        token = self.next_token
        if token.kind != kind or (texts and token.text not in texts):
            self.fail(
                f"{expected} is expected, but {token.text if token.kind == 'end' else repr(token.text)} was "
                "found",
                token.start,
            )
        self.next_token = self.token(token.end)
        return token

    def at_opening_brace(self) -> bool:
        """Whether the next token is an opening brace."""
        return self.next_token.kind == "brace" and self.next_token.text == "{"

    def texts(self, what: str) -> list[str]:
        """Read a list of texts in braces."""
        self.consume("brace", f"'{{' before {what}", "{")
        found = []
        while self.next_token.kind == "text":
            found.append(self.consume("text", "a name").text.replace('\\"', '"'))
        self.consume("brace", f"'}}' after {what}", "}")
        return found

    def number(self, expected: str) -> Fraction:
        """Read an exact number."""
        token = self.consume("number", expected)
        try:
            return number(token.text)
        except ValueError as error:
            self.fail(str(error).rstrip("."), token.start)

    def integer(self, expected: str, low: int, high: float) -> int:
        """Read an integer within bounds."""
        at, found = self.next_token.start, self.number(expected)
        if found.denominator != 1 or not low <= found <= high:
            self.fail(
                f"{expected} must be an integer "
                f"{f'of at least {low}' if high == np.inf else f'in [{low}, {high}]'}, and is {found}",
                at,
            )
        return int(found)

    def game(self) -> NormalForm:
        """Read the whole file."""
        self.consume("word", "'NFG'", "NFG")
        self.consume("number", "version 1", "1")
        self.consume("word", "'R' or 'D'", "R", "D")
        name = self.consume("text", "the title in quotation marks").text.replace('\\"', '"')
        at, players = self.next_token.start, self.texts("the players' names")
        if not players:
            self.fail("the list of players is empty", at)
        sizes, actions = self.strategies(players)
        comment = (
            self.consume("text", "the comment").text.replace('\\"', '"')
            if self.next_token.kind == "text"
            else ""
        )
        payoffs = self.outcome_form(sizes) if self.at_opening_brace() else self.payoff_form(sizes)
        if self.next_token.kind != "end":
            self.fail(f"{self.next_token.text!r} follows the last cell", self.next_token.start)
        return NormalForm(payoffs, name, players, actions, comment)

    def strategies(self, players: Sequence[str]) -> tuple[list[int], list[list[str]]]:
        """Read the number of strategies of each player, and their names if there are any."""
        self.consume("brace", "'{' before the strategies", "{")
        sizes, actions = [], []
        for player in players:
            at = self.next_token.start
            if self.at_opening_brace():
                actions.append(self.texts(f"the strategies of {player!r}"))
                sizes.append(len(actions[-1]))
            else:
                sizes.append(self.integer(f"the number of strategies of {player!r}", 0, np.inf))
            if not sizes[-1]:
                self.fail(f"{player!r} has no strategy, and each player needs one,", at)
            if len(actions) not in (0, len(sizes)):
                self.fail("names and numbers of strategies are mixed", at)
        self.consume("brace", f"'}}' after the strategies of {len(players)} players", "}")
        return sizes, actions

    def payoff_form(self, sizes: Sequence[int]) -> Payoffs:
        """Read a body of payoffs."""
        return as_tensor(
            self.body(n_payoffs(sizes), "payoffs", number, lambda: self.number("a payoff")), sizes
        )

    def body(
        self, total: int, what: str, convert: Callable[[str], Any], read_next: Callable[[], Any]
    ) -> list[Any]:
        """Read the rest of the file as numbers.

        Each distinct word is converted only once, for speed. If a word is not a number, the words are read
        one by one, so that the error message can name its position.
        """
        words = self.text[self.next_token.start :].split()
        if len(words) == total:
            try:
                known = {word: convert(word) for word in set(words)}
            except (ValueError, KeyError):
                pass
            else:
                self.next_token = self.token(len(self.text))
                return [known[word] for word in words]
        self.check_length(total, what)
        return [read_next() for _ in range(total)]

    def outcome_form(self, sizes: Sequence[int]) -> Payoffs:
        """Read a list of outcomes and a body of their numbers."""
        outcomes = [[Fraction(0)] * len(sizes)]
        self.consume("brace", "'{' before the outcomes", "{")
        while self.at_opening_brace():
            self.consume("brace", "'{'", "{")
            self.consume("text", "the outcome's name in quotation marks")
            outcomes.append([self.payoff() for _ in sizes])
            self.consume("brace", f"'}}' after {len(sizes)} payoffs", "}")
        self.consume("brace", "'}' after the outcomes", "}")
        total = n_payoffs(sizes) // len(sizes)
        known = {str(k): outcome for k, outcome in enumerate(outcomes)}
        found = self.body(
            total,
            "cells",
            known.__getitem__,
            lambda: outcomes[self.integer("the number of an outcome", 0, len(outcomes) - 1)],
        )
        return as_tensor([payoff for outcome in found for payoff in outcome], sizes)

    def payoff(self) -> Fraction:
        """Read one payoff of an outcome, and a comma if one follows."""
        found = self.number("a payoff")
        if self.next_token.kind == "comma":
            self.consume("comma", "','")
        return found

    def check_length(self, total: int, what: str) -> None:
        """Raise a `ValueError` if the body is too short, before an array is allocated."""
        there, token = 0, self.next_token
        while there < total and token.kind != "end":
            there, token = there + 1, self.token(token.end)
        if there < total:
            self.fail(f"{total} {what} are expected, but the file ends after {there}", token.start)


def as_tensor(payoffs: Sequence[Fraction], sizes: Sequence[int]) -> Payoffs:
    """The payoff tensor from payoffs in a file's order: players vary fastest, then the first action."""
    flat = np.empty(len(payoffs), dtype=object)
    flat[:] = payoffs
    return flat.reshape((len(sizes), *sizes), order="F")


def text(game: Any, comment: str = "") -> str:
    r"""The content of a .nfg file in payoff form.

    Args:
        game: a game as for `solve`; a `NormalForm` keeps its names.
        comment: the comment; by default that of the game.

    Raises:
        ValueError: if the format cannot represent a name.

    Example:
        >>> from games import stag_hunt
        >>> print(text(stag_hunt()))
        NFG 1 R "stag_hunt" { "Player 1" "Player 2" } { 2 2 }
        <BLANKLINE>
        4 4 3 0 0 3 1 1
        <BLANKLINE>
    """
    form = normal_form(game)
    players = " ".join(map(quoted, form.players))
    sizes = " ".join(map(str, form.n_actions))
    actions = (
        " ".join("{ " + " ".join(map(quoted, own)) + " }" for own in form.actions)
        if form.names_actions
        else sizes
    )
    comment = comment or form.comment
    body = " ".join(str(json_number(x)) for x in form.payoffs.ravel(order="F"))
    heading = f"NFG 1 R {quoted(form.name)} {{ {players} }} {{ {actions} }}"
    return f"{heading}\n{quoted(comment) if comment else ''}\n{body}\n"


def quoted(name: str) -> str:
    """A name in quotation marks.

    Raises:
        ValueError: if a backslash precedes a quotation mark or is the last character, because the format
            cannot distinguish this from an escaped quotation mark.
    """
    if re.search(r'\\(?="|$)', name):
        raise ValueError(
            f"The name {name!r} has a backslash before a quotation mark or at its end, which a .nfg file "
            "cannot represent; rename it."
        )
    return '"' + name.replace('"', '\\"') + '"'
