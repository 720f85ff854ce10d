"""Registries of named members, such as games, learners and solvers."""

import dataclasses
import difflib
import inspect
from collections.abc import Callable, Iterable, Iterator, Mapping
from typing import Any, TypeVar

from games.checks import shown
from games.printing import counted, html_table, text_table


def nearest(name: str, accepted: Iterable[str], aliases: Iterable[str] = ()) -> str:
    """The end of a message about an unknown name: the nearest match, if any, and all accepted names."""
    accepted = sorted(set(accepted))
    close = difflib.get_close_matches(name, [*accepted, *aliases], n=1, cutoff=0.5)
    hint = f"did you mean {close[0]!r}? " if close else ""
    return f"{hint}accepted: {', '.join(accepted)}"


def first_line(function: Callable[..., Any]) -> str:
    """The first line of a function's docstring; empty under `python -OO`, which removes docstrings."""
    return (function.__doc__ or "").strip().partition("\n")[0].strip()


Maker = TypeVar("Maker", bound=Callable[..., Any])
"""A function or class that makes a member."""
COLUMNS = ("name", "what it is", "citation")
"""Columns of a printed registry."""


@dataclasses.dataclass(frozen=True, repr=False)
class Entry:
    """One member of a registry.

    Attributes:
        name: its name.
        make: the function or class that makes it.
        summary: one line about it.
        citation: key of its source in the bibliography.
        aliases: other names.
        facts: properties that tests and tables read, such as whether a game is symmetric.
        also: keys of further sources.
    """

    name: str
    make: Callable[..., Any]
    summary: str
    citation: str
    aliases: tuple[str, ...] = ()
    facts: Mapping[str, Any] = dataclasses.field(default_factory=dict)
    also: tuple[str, ...] = ()

    @property
    def citations(self) -> tuple[str, ...]:
        """The keys of all its sources."""
        return self.citation, *self.also

    def settings(self) -> Mapping[str, inspect.Parameter]:
        """The arguments of `make`, by name."""
        return inspect.signature(self.make).parameters

    def __repr__(self) -> str:
        try:
            accepted = [str(p.replace(annotation=p.empty)) for p in self.settings().values()]
        except (TypeError, ValueError):  # some functions have no signature
            accepted = []
        names = ", also ".join((self.name, *self.aliases))
        return f"Entry {names}: {self.summary} Settings: {', '.join(accepted) or 'none'}. Source: {', '.join(self.citations)}."


class Registry:
    """Members of one kind under their names and aliases.

    Args:
        kind: the word for a member in error messages, such as `"game"`.

    Example:
        >>> from games import GAMES
        >>> GAMES.make("ipd").n_players
        2
    """

    def __init__(self, kind: str):
        self.kind = kind
        self._entries: dict[str, Entry] = {}
        self._names: dict[str, str] = {}

    def add(self, entry: Entry) -> Entry:
        """Add a member.

        Raises:
            ValueError: if its name or one of its aliases is taken.
        """
        for name in (entry.name, *entry.aliases):
            if name in self._names:
                raise ValueError(
                    f"The {self.kind} name {name!r} is taken by {self._names[name]!r}; choose another."
                )
        self._entries[entry.name] = entry
        self._names |= dict.fromkeys((entry.name, *entry.aliases), entry.name)
        return entry

    def register(
        self, citation: str, *aliases: str, name: str | None = None, also: tuple[str, ...] = (), **facts: Any
    ) -> Callable[[Maker], Maker]:
        """A decorator that adds a function; the first line of its docstring is the summary.

        Args:
            citation: key of its source in the bibliography.
            *aliases: other names.
            name: its name; by default that of the function.
            also: keys of further sources.
            **facts: the entry's facts.

        Example:
            >>> greetings = Registry("greeting")
            >>> @greetings.register("axelrod1984evolution", "hi")
            ... def hello():
            ...     'Say hello.'
            >>> greetings.get("hi").summary
            'Say hello.'
        """

        def add(make: Maker) -> Maker:
            self.add(Entry(name or make.__name__, make, first_line(make), citation, aliases, facts, also))
            return make

        return add

    def __iter__(self) -> Iterator[Entry]:
        return iter(self._entries.values())

    def __contains__(self, name: str) -> bool:
        return name in self._names

    def __len__(self) -> int:
        return len(self._entries)

    def __repr__(self) -> str:
        return f"{self._heading()}\n{text_table(COLUMNS, self._rows())}"

    def _repr_html_(self) -> str:
        """The members as a table."""
        return html_table(COLUMNS, self._rows(), self._heading())

    def _heading(self) -> str:
        """How many members there are."""
        return f"Registry of {counted(len(self), self.kind)}, aliases in brackets"

    def _rows(self) -> list[tuple[str, str, str]]:
        """Every member's name with its aliases, its summary and its citation."""
        return [
            (" ".join([e.name, *(f"({alias})" for alias in e.aliases)]), e.summary, e.citation) for e in self
        ]

    def get(self, name: str) -> Entry:
        """The member of this name or alias.

        Raises:
            ValueError: for an unknown name; the message gives the nearest match and all names.
        """
        if not isinstance(name, str) or name not in self._names:
            raise ValueError(
                f"Unknown {self.kind} {shown(name)}; {nearest(str(name), self._entries, self._names)}."
            )
        return self._entries[self._names[name]]

    def make(self, name: str, **settings: Any) -> Any:
        """Make the member of this name with the given settings.

        Raises:
            ValueError: for an unknown name, an unknown setting, or a value that is not accepted.
        """
        entry = self.get(name)
        accepted = entry.settings()
        for setting in settings:
            if setting not in accepted:
                raise ValueError(
                    f"The {self.kind} {entry.name!r} has no setting {setting!r}; {nearest(setting, accepted)}."
                )
        return entry.make(**settings)

    def member(self, given: Any, kind: type, instead: str) -> Any:
        """The member that is given as itself, by name, or as a class or function without required arguments.

        Args:
            given: any of these.
            kind: the class of members.
            instead: an example of an accepted value, for error messages.

        Raises:
            ValueError: for anything else.
        """
        if isinstance(given, kind):
            return given
        made, how = given, getattr(given, "__name__", shown(given))
        if isinstance(given, str):
            made = self.make(given)
        elif callable(given):
            try:
                inspect.signature(given).bind()
            except (TypeError, ValueError) as error:
                raise ValueError(
                    f"{how} makes no {self.kind} without settings; give one that is made, such as {instead}."
                ) from error
            made = given()
        if not isinstance(made, kind):
            raise ValueError(
                f"{how} is no {self.kind}; give one, such as {instead}, or a name such as {next(iter(self)).name!r}."
            )
        return made
