"""`shaping solve`: the equilibria of a matrix game, by name or from a file."""

import dataclasses
import json as json_
import math
import sys
from typing import TYPE_CHECKING, Any

import tyro

if TYPE_CHECKING:
    from solvers import NormalForm


@dataclasses.dataclass(frozen=True)
class Solve:
    """Print the equilibria of a matrix game, or of an iterated game's stage game, with their residuals."""

    game: tyro.conf.Positional[str] = dataclasses.field(metadata={"positional": True})
    """The game: its name, a .nfg, .json or .csv file, or - for such a file on standard input."""
    method: str | None = None
    """The solver; by default one is chosen by the game's size."""
    all: bool = False
    """Find all equilibria; a method that does not is refused."""
    exact: bool = False
    """Compute in rationals, if the method can."""
    correlated: str | None = None
    """Instead, the best correlated equilibrium by welfare, egalitarian, or a player's payoff (its index)."""
    coarse: bool = False
    """Instead, the best coarse correlated equilibrium, by welfare or by the objective of --correlated."""
    qre: tuple[float, ...] = ()
    """Instead, the quantal response (logit) equilibria at these precisions."""
    set: tuple[str, ...] = ()
    """Settings of the game and the method, NAME.SETTING=VALUE, such as chicken.payoffs=[[0,-1],[1,-5]]."""
    json: bool = False
    """Print one JSON object."""
    force: bool = False
    """Solve even if the estimated time is long."""

    def run(self) -> int:
        """Solve and print; 0 if the game was solved."""
        self.check()
        game, name = loaded(self.game, self.settings(self.game))
        if self.correlated is not None or self.coarse:
            return self.correlations(game, name)
        return self.quantal(game, name) if self.qre else self.equilibria(game, name)

    def check(self) -> None:
        """Refuse options that exclude each other.

        Raises:
            ValueError: naming two of them.
        """
        instead = {"--correlated": self.correlated is not None or self.coarse, "--qre": bool(self.qre)}
        methods = {"--method": self.method is not None, "--all": self.all, "--exact": self.exact}
        asked = [option for option, given in instead.items() if given]
        asked += [option for option, given in methods.items() if given and asked]
        if len(asked) > 1:
            raise ValueError(f"{asked[0]} and {asked[1]} ask for different things; give one of them.")

    def settings(self, name: str) -> dict[str, Any]:
        """The settings of one name."""
        from analysis.cli import settings

        return settings.parsed(self.set, [x for x in (self.game, self.method) if x]).get(name, {})

    def equilibria(self, game: "NormalForm", name: str) -> int:
        """Print Nash equilibria."""
        from analysis.cli import equilibria
        from solvers import SOLVERS, solve

        method = self.method or default(game, self.all)
        entry = SOLVERS.get(method)
        if self.all and entry.facts["finds"] != "all":
            from solvers.dispatch import method_names

            raise ValueError(
                f"The method {entry.name!r} does not look for every equilibrium; these do: "
                f"{method_names(game.payoffs, lambda e: e.facts['finds'] == 'all')}."
            )
        given = self.settings(self.method or "") | ({"exact": True} if self.exact else {})
        given |= {"force": True} if self.force and "force" in entry.settings() else {}
        try:
            found = solve(game, entry.name if self.method or self.all else None, **given)
        except ValueError as error:
            raise ValueError(
                str(error).replace("pass force=True", "give --force").replace("force=True", "--force")
            ) from error
        if equilibria.every_profile(game.payoffs):
            found = dataclasses.replace(found, message=equilibria.EVERY)
        if self.json:
            show_json(found.as_json(name) | names(game))
        else:
            equilibria.show(found, game, name)
        return complain(found.status, found.message if self.json else "")

    def correlations(self, game: "NormalForm", name: str) -> int:
        """Print the best correlated, or coarse correlated, equilibrium."""
        from analysis.cli import equilibria
        from solvers import coarse_correlated_equilibrium, correlated_equilibrium

        word = self.correlated or "welfare"
        found = (coarse_correlated_equilibrium if self.coarse else correlated_equilibrium)(
            game, int(word) if word.lstrip("-").isdecimal() else word
        )
        if self.json:
            show_json({"game": name, "method": found.concept} | found.as_json() | names(game))
        elif found.status != "failed":
            equilibria.show_correlated(found, game, name, word)
        said = (
            f"No equilibrium was found; the linear program says: {found.message}"
            if found.status == "failed"
            else found.message
        )
        return complain(found.status, said)

    def quantal(self, game: "NormalForm", name: str) -> int:
        """Print the quantal response equilibria of the principal branch at each precision."""
        import jax

        from analysis.cli import equilibria
        from solvers.n_player.quantal import quantal_response
        from solvers.payoffs import payoff_tensor

        payoffs = payoff_tensor(game)
        with jax.enable_x64(True):
            rows = quantal_response(payoffs, self.qre).as_json()
        members = [equilibria.quantal(row, payoffs) for row in rows]
        status = "solved" if all(e["status"] == "solved" for e in members) else "not_converged"
        message = "" if status == "solved" else "The branch was not followed to every precision."
        if self.json:
            found = {
                "game": name,
                "method": "quantal",
                "equilibria": members,
                "degenerate": None,
                "complete": False,
                "status": status,
            }
            show_json(found | {"message": message} | names(game))
        else:
            equilibria.show_quantal(members, game, name)
        return complain(status, message)


def show_json(found: dict[str, Any]) -> None:
    """Print one JSON object, with null for numbers that are not finite."""

    def plain(entry: Any) -> Any:
        if isinstance(entry, dict):
            return {key: plain(x) for key, x in entry.items()}
        if isinstance(entry, list):
            return [plain(x) for x in entry]
        return None if isinstance(entry, float) and not math.isfinite(entry) else entry

    print(json_.dumps(plain(found), allow_nan=False))


def names(game: "NormalForm") -> dict[str, Any]:
    """The names of players and actions, in the order of strategies and supports."""
    return {"players": list(game.players), "actions": [list(own) for own in game.actions]}


def default(game: "NormalForm", every: bool) -> str:
    """The default method for a game, or the one that finds all its equilibria."""
    from solvers.dispatch import default_method

    named = default_method(game.n_actions)
    return "polynomial" if every and named in ("logit", "pure") else named


def complain(status: str, message: str) -> int:
    """Print a message on stderr, if there is one, and return the exit code."""
    if message:
        print(message, file=sys.stderr)
    return int(status != "solved")


def loaded(word: str, given: dict[str, Any]) -> "tuple[NormalForm, str]":
    """A game by name, with its settings, or from a file; and its name in the output.

    Raises:
        ValueError: for an unknown name, a missing or malformed file, and a game without a payoff matrix.
    """
    from analysis.cli.game_files import holds_game, read
    from solvers import NormalForm
    from solvers.payoffs import payoff_tensor

    if holds_game(word):
        game = read(word, given)
        return game, game.name or ("standard input" if word == "-" else word)
    from analysis.cli import settings
    from games import GAMES, Iterated, MatrixGame

    game = settings.made(GAMES, [word], {word: given})[word]
    stage = game.stage if isinstance(game, Iterated) else game
    if not isinstance(stage, MatrixGame):
        raise ValueError(
            f"{word!r} has no payoff matrix, its actions being continuous; shaping solve takes matrix games, iterated ones and files, "
            "and solvers.differentiable.fixed_point_search the others."
        )
    seats = [f"player {i}" for i in range(stage.n_players)]
    actions = [list(map(str, range(a))) for a in stage.n_actions]
    return NormalForm(
        payoff_tensor(stage, exact=True), word, seats, actions
    ), word if stage is game else f"stage game of {word}"
