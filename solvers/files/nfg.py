r"""Gambit's .nfg files, in their payoff and their outcome form, read and written exactly.

A file is a heading and a body. The heading: `NFG 1 R`, the title, the players in braces, their numbers of
strategies in braces (or, in braces of their own, the strategies' names), and a comment if there is one. The
body holds the cells **with the first player's strategy varying fastest**: in the payoff form every cell is
everybody's payoffs; in the outcome form a list of named outcomes comes first, and every cell is the number of
one of them, 0 standing for payoffs of 0.

McKelvey, McLennan & Turocy (2014), Gambit: Software Tools for Game Theory, "The strategic game (.nfg) file
format".
"""

import dataclasses
import re
from collections.abc import Callable, Sequence
from fractions import Fraction
from typing import Any, NoReturn

import numpy as np

from solvers.base import plain
from solvers.files.normal_form import NormalForm, cells, normal_form
from solvers.payoffs import Payoffs, number

TOKEN = re.compile(
    r"""(?P<space>\s+) | (?P<brace>[{}]) | (?P<comma>,) | "(?P<text>(?:[^"]|(?<=\\)")*+)"
        | (?P<number>[+-]?[\d.][^\s{},"]*) | (?P<word>[^\s{},"]+)""",
    re.VERBOSE,
)


@dataclasses.dataclass(frozen=True)
class Token:
    """A piece of a file: what it is, what it says, where it begins, and where it ends."""

    kind: str
    said: str
    at: int
    end: int


def parse(text: str) -> NormalForm:
    """The game that the text of a .nfg file describes.

    Args:
        text: the whole file.

    Raises:
        ValueError: in one sentence with line and column, for anything that is no .nfg file.

    Example:
        >>> game = parse('NFG 1 R "Selten" { "Ann" "Bob" } { 3 2 } 1 1 0 2 0 2 1 1 0 3 2 0')
        >>> game.payoffs[:, 1, 0].tolist()  # the second strategy of Ann and the first of Bob
        [Fraction(0, 1), Fraction(2, 1)]
    """
    return Reader(text).game()


class Reader:
    """Walks through a file once, from its heading to its last cell."""

    def __init__(self, text: str):
        self.text = text
        self.here = self.token(0)

    def token(self, at: int) -> Token:
        """The first token from a place on; one of kind `end` after the last."""
        match = TOKEN.match(self.text, at)
        if match is not None and match.lastgroup == "space":
            at = match.end()
            match = TOKEN.match(self.text, at)
        if match is None:
            if at < len(self.text):  # nothing else begins with a quotation mark
                self.refuse("a text that is never closed begins", at)
            return Token("end", "the end of the file", at, at)
        kind = str(match.lastgroup)
        return Token(kind, match[kind], at, match.end())

    def refuse(self, what: str, at: int) -> NoReturn:
        """Say what is wrong and where."""
        line, column = self.text.count("\n", 0, at) + 1, at - self.text.rfind("\n", 0, at)
        raise ValueError(f"The file is no Gambit .nfg file: {what} at line {line}, column {column}.")

    def take(self, kind: str, wanted: str, *said: str) -> Token:
        """The next token, which must be of this kind, and among these words if some are given."""
        token = self.here
        if token.kind != kind or (said and token.said not in said):
            self.refuse(
                f"{wanted} is wanted, and {token.said if token.kind == 'end' else repr(token.said)} found",
                token.at,
            )
        self.here = self.token(token.end)
        return token

    def opens(self) -> bool:
        """Whether a brace opens next."""
        return self.here.kind == "brace" and self.here.said == "{"

    def texts(self, what: str) -> list[str]:
        """Texts in braces."""
        self.take("brace", f"'{{' before {what}", "{")
        found = []
        while self.here.kind == "text":
            found.append(self.take("text", "a name").said.replace('\\"', '"'))
        self.take("brace", f"'}}' after {what}", "}")
        return found

    def number(self, wanted: str) -> Fraction:
        """A number, as written."""
        token = self.take("number", wanted)
        try:
            return number(token.said)
        except ValueError as error:
            self.refuse(str(error).rstrip("."), token.at)

    def integer(self, wanted: str, low: int, high: float) -> int:
        """An integer within bounds."""
        at, found = self.here.at, self.number(wanted)
        if found.denominator != 1 or not low <= found <= high:
            self.refuse(
                f"{wanted} must be an integer {f'of at least {low}' if high == np.inf else f'in [{low}, {high}]'}, and is {found}",
                at,
            )
        return int(found)

    def game(self) -> NormalForm:
        """The whole file."""
        self.take("word", "'NFG'", "NFG")
        self.take("number", "version 1", "1")
        self.take("word", "'R' or 'D'", "R", "D")
        name = self.take("text", "the title in quotation marks").said.replace('\\"', '"')
        at, players = self.here.at, self.texts("the players' names")
        if not players:
            self.refuse("the list of players is empty", at)
        sizes, actions = self.strategies(players)
        comment = (
            self.take("text", "the comment").said.replace('\\"', '"') if self.here.kind == "text" else ""
        )
        payoffs = self.outcome_form(sizes) if self.opens() else self.payoff_form(sizes)
        if self.here.kind != "end":
            self.refuse(f"{self.here.said!r} follows the last cell", self.here.at)
        return NormalForm(payoffs, name, players, actions, comment)

    def strategies(self, players: Sequence[str]) -> tuple[list[int], list[list[str]]]:
        """Everybody's number of strategies, and their names where they have some."""
        self.take("brace", "'{' before the strategies", "{")
        sizes, actions = [], []
        for player in players:
            at = self.here.at
            if self.opens():
                actions.append(self.texts(f"the strategies of {player!r}"))
                sizes.append(len(actions[-1]))
            else:
                sizes.append(self.integer(f"the number of strategies of {player!r}", 0, np.inf))
            if not sizes[-1]:
                self.refuse(f"{player!r} has no strategy, where everybody needs one,", at)
            if len(actions) not in (0, len(sizes)):
                self.refuse("names and numbers of strategies are mixed", at)
        self.take("brace", f"'}}' after the strategies of {len(players)} players", "}")
        return sizes, actions

    def payoff_form(self, sizes: Sequence[int]) -> Payoffs:
        """Cells that are payoffs."""
        return arranged(self.body(cells(sizes), "payoffs", number, lambda: self.number("a payoff")), sizes)

    def body(self, total: int, what: str, read: Callable[[str], Any], take: Callable[[], Any]) -> list[Any]:
        """The numbers that end a file: each different word is read once, or, if one is no number, all are taken up to that one."""
        words = self.text[self.here.at :].split()
        if len(words) == total:
            try:
                known = {word: read(word) for word in set(words)}
            except (ValueError, KeyError):
                pass
            else:
                self.here = self.token(len(self.text))
                return [known[word] for word in words]
        self.room(total, what)
        return [take() for _ in range(total)]

    def outcome_form(self, sizes: Sequence[int]) -> Payoffs:
        """Cells that are numbers of outcomes."""
        outcomes = [[Fraction(0)] * len(sizes)]
        self.take("brace", "'{' before the outcomes", "{")
        while self.opens():
            self.take("brace", "'{'", "{")
            self.take("text", "the outcome's name in quotation marks")
            outcomes.append([self.payoff() for _ in sizes])
            self.take("brace", f"'}}' after {len(sizes)} payoffs", "}")
        self.take("brace", "'}' after the outcomes", "}")
        total = cells(sizes) // len(sizes)
        known = {str(k): outcome for k, outcome in enumerate(outcomes)}
        found = self.body(
            total,
            "cells",
            known.__getitem__,
            lambda: outcomes[self.integer("the number of an outcome", 0, len(outcomes) - 1)],
        )
        return arranged([payoff for outcome in found for payoff in outcome], sizes)

    def payoff(self) -> Fraction:
        """One payoff of an outcome, and a comma if one follows, as Gambit reads them."""
        found = self.number("a payoff")
        if self.here.kind == "comma":
            self.take("comma", "','")
        return found

    def room(self, total: int, what: str) -> None:
        """Refuse a body that is too short before anything is made of it."""
        there, token = 0, self.here
        while there < total and token.kind != "end":
            there, token = there + 1, self.token(token.end)
        if there < total:
            self.refuse(f"{total} {what} are wanted, and the file ends after {there}", token.at)


def arranged(payoffs: Sequence[Fraction], sizes: Sequence[int]) -> Payoffs:
    """Payoffs in the order of a file, as a tensor `(n, A1, ..., An)`: in the file the player varies fastest, then the first action."""
    flat = np.empty(len(payoffs), dtype=object)
    flat[:] = payoffs
    return flat.reshape((len(sizes), *sizes), order="F")


def text(game: Any, comment: str = "") -> str:
    r"""A game as a .nfg file in payoff form.

    Args:
        game: whatever solvers take; a `NormalForm` keeps its names.
        comment: for people; by default the game's own.

    Raises:
        ValueError: for a name that the format cannot hold.

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
    said = comment or form.comment
    body = " ".join(str(plain(x)) for x in form.payoffs.ravel(order="F"))
    return f"NFG 1 R {quoted(form.name)} {{ {players} }} {{ {actions} }}\n{quoted(said) if said else ''}\n{body}\n"


def quoted(name: str) -> str:
    """A name in quotation marks.

    Raises:
        ValueError: where a backslash comes before a quotation mark or at the end, which the format cannot
            tell from an escaped mark.
    """
    if re.search(r'\\(?="|$)', name):
        raise ValueError(
            f"The name {name!r} has a backslash before a quotation mark or at its end, which a .nfg file cannot hold; rename it."
        )
    return '"' + name.replace('"', '\\"') + '"'
