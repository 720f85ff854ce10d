"""`shaping evaluate`: rewards of trained players in episodes."""

import dataclasses
import json as json_
import pathlib
import sys
from typing import TYPE_CHECKING, Any

import tyro

if TYPE_CHECKING:
    import pandas as pd


@dataclasses.dataclass(frozen=True)
class Evaluate:
    """Evaluate players that were trained together on a sampled game.

    They play with each other, with those of the next folder, and with scripted players. Rewards are means per
    step, undiscounted, with standard errors over episodes; in a coin game also the share of own coins.
    """

    folders: tyro.conf.Positional[tuple[str, ...]]
    """Folders of trainings of all seats, one per run: shaping train ... --against self --out FOLDER."""
    game: str = ""
    """The sampled game; by default the one that the first folder's players were trained on."""
    episodes: int = 512
    """Episodes of every pairing."""
    seed: int = 0
    """Root of all randomness."""
    set: tuple[str, ...] = ()
    """Settings of the game, NAME.SETTING=VALUE; without --game, the others are those of the training."""
    json: bool = False
    """Print one JSON object."""

    def run(self) -> None:
        """Load the players, let them play, and print the table."""
        from analysis.cli import settings
        from analysis.cli.screen import announce_device
        from analysis.evaluation import evaluate
        from games import SAMPLED

        if not self.folders:
            raise ValueError("No folder was given; name at least one that shaping train has filled.")
        name, made_with = (self.game, {}) if self.game else trained_on(self.folders[0])
        for folder in self.folders:
            if line := unfinished(folder):
                print(line, file=sys.stderr)
        made_with |= settings.parsed(self.set, (name,)).get(name, {})
        game = settings.made(SAMPLED, [name], {name: made_with})[name]
        runs = [trained(folder, game) for folder in self.folders]
        announce_device()
        frame = evaluate(game.environment, runs, self.seed, episodes=self.episodes)
        if self.json:
            print(json_.dumps({"game": name, "folders": list(self.folders), "rows": rows(frame)}))
        else:
            self.show(name, frame)

    def show(self, name: str, frame: "pd.DataFrame") -> None:
        """Print the table."""
        from analysis.cli.screen import TextTable, stdout

        console = stdout()
        console.print(f"{name}: reward per step and its standard error over {self.episodes} episodes")
        columns = ["run", "against", "seat", "reward", "the other's"] + ["own coins"] * bool(
            frame["own_coins"].notna().any()
        )
        lines = [
            [
                self.folders[r["run"]],
                r["opponent"],
                str(r["seat"]),
                with_error(r["reward"], r["reward_error"], 3),
                f"{r['reward_other']:.3f}",
                "none" if r["own_coins"] is None else with_error(r["own_coins"], r["own_coins_error"], 2),
            ][: len(columns)]
            for r in rows(frame)
        ]
        console.print(TextTable(columns, lines, right=(3, 4, 5)[: len(columns) - 3], keys=3))


def with_error(mean: float, error: float | None, digits: int) -> str:
    """A mean with its standard error as text; of a single episode there is none.

    Example:
        >>> with_error(-1.5, 0.25, 2), with_error(-1.5, None, 2)
        ('-1.50 ± 0.25', '-1.50 ± -')
    """
    return f"{mean:.{digits}f} ± {'-' if error is None else f'{error:.{digits}f}'}"


def trained_on(folder: str) -> tuple[str, dict[str, Any]]:
    """The name and settings of the game that a folder's players were trained on.

    Raises:
        ValueError: for a folder that does not name its game.
    """
    from games import SAMPLED
    from shaping.checkpoint import folder as checkpoint

    made = checkpoint.load_note(folder)["note"].get("made")
    if made is None:
        raise ValueError(
            f"{folder!r} does not say how its game was made; name the game with --game, and its settings with --set."
        )
    if made["game"] not in SAMPLED:
        raise ValueError(
            f"The folder {folder!r} holds what was trained on {made['game']!r}, whose values are exact and which has no episodes; "
            f"let it play with shaping play --game {made['game']} --learners file:{folder} OPPONENT."
        )
    return made["game"], dict(made["settings"])


def unfinished(folder: str) -> str:
    """A sentence about an unfinished training, and empty text about a finished one.

    Raises:
        ValueError: for a folder without a training.
    """
    from shaping.checkpoint import folder as checkpoint

    done, whole = (checkpoint.load_note(folder)["note"].get(x, {}) for x in ("iterations", "settings"))
    if checkpoint.is_finished(folder):
        return ""
    return f"The training in {folder} is not finished: {done} of {whole.get('iterations')} iterations are done; its players are those."


def trained(folder: str, game: Any) -> tuple[Any, Any]:
    """The parameters of both players of a folder.

    Raises:
        ValueError: for a folder that holds no such training.
    """
    from shaping.checkpoint import folder as checkpoint
    from shaping.learners.fixed import Settled

    places = pathlib.Path(folder), pathlib.Path(folder) / "seat_1"
    if not places[1].exists():
        raise ValueError(
            f"{folder!r} holds one player at most; name the folder of a training of every seat, made with --against self."
        )
    players = []
    for place in places:
        checkpoint.check_game(place, game)
        player = checkpoint.load(place, cast=True)
        if not isinstance(player, Settled):
            raise ValueError(
                f"{str(place)!r} holds {player.label!r}, which learns while it plays; let it play with shaping play."
            )
        players.append(player.own)
    return players[0], players[1]


def rows(frame: "pd.DataFrame") -> list[dict[str, Any]]:
    """The table as plain data, NaN as None."""
    return [{k: None if v != v else v for k, v in row.items()} for row in frame.to_dict("records")]
