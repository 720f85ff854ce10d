"""The named sampled games, in the registry `SAMPLED`, with the settings of their sources."""

from typing import Any

from games.agents.policies import Architecture, GruPolicy, TablePolicy
from games.base import Environment, Game
from games.catalog import AUTOMATON_GAMES, GAMES
from games.environments.catalog import (
    coin_jaxmarl as jaxmarl,
    coin_mfos as mfos,
    ipd_in_the_matrix as in_the_matrix,
    repetition,
)
from games.environments.coin import CoinGame
from games.registry import Registry, nearest
from games.sampled.estimators import Dice, Estimator, LoadedDice, Surrogate
from games.sampled.game import Sampled

SAMPLED = Registry("game")


@SAMPLED.register("foerster2018dice")
def ipd_rollout(
    batch: int = 64,
    length: int = 150,
    discount: float = 0.96,
    init_std: float = 0.39,
    estimator: str | Estimator = "dice",
) -> Sampled:
    """Iterated prisoner's dilemma of LOLA-DiCE, sampled: tables, 150 steps, the batch baseline."""
    return Sampled(
        repetition("ipd", length),
        TablePolicy(init_std),
        as_estimator(estimator),
        discount,
        batch,
        name="ipd_rollout",
    )


@SAMPLED.register("foerster2018dice")
def imp_rollout(
    batch: int = 64,
    length: int = 150,
    discount: float = 0.96,
    init_std: float = 0.39,
    estimator: str | Estimator = "dice",
) -> Sampled:
    """Iterated matching pennies, sampled: tables, 150 steps, the batch baseline."""
    return Sampled(
        repetition("imp", length),
        TablePolicy(init_std),
        as_estimator(estimator),
        discount,
        batch,
        name="imp_rollout",
    )


@SAMPLED.register("zhao2022pola")
def ipd_gru(
    batch: int = 2000,
    length: int = 50,
    width: int = 64,
    discount: float = 0.96,
    decay: float = 1.0,
    mix: float = 1.0,
) -> Sampled:
    """Iterated contribution game of POLA-DiCE: recurrent actors and critics, 50 steps."""
    environment = repetition("ipd_contribution", length, "per_player")
    return recurrent_game(environment, batch, width, discount, "ipd_gru", decay=decay, mix=mix)


@SAMPLED.register("zhao2022pola")
def coin_lola(
    batch: int = 2000,
    length: int = 50,
    width: int = 64,
    discount: float = 0.96,
    egocentric: bool = False,
    decay: float = 1.0,
    mix: float = 1.0,
) -> Sampled:
    """Coin game of LOLA and POLA-DiCE: one coin, recurrent actors and critics."""
    return recurrent_game(
        CoinGame.lola(length=length, egocentric=egocentric),
        batch,
        width,
        discount,
        "coin_lola",
        decay=decay,
        mix=mix,
    )


@SAMPLED.register("aghajohari2024loqa")
def coin_loqa(
    batch: int = 512, length: int = 50, width: int = 128, size: int = 3, discount: float = 0.96
) -> Sampled:
    """Coin game of LOQA: one coin on grids of 3 to 7 rows, recurrent actors and critics."""
    return recurrent_game(CoinGame.loqa(size, length), batch, width, discount, "coin_loqa")


@SAMPLED.register("lu2022mfos")
def coin_mfos(batch: int = 512, length: int = 16, width: int = 16, discount: float = 0.96) -> Sampled:
    """Coin game of M-FOS: two coins, convolutions of 16 channels before a recurrent layer."""
    return recurrent_game(mfos(length), batch, width, discount, "coin_mfos", channels=(16, 16))


@SAMPLED.register("rutherford2024jaxmarl", "coin_pax")
def coin_jaxmarl(
    batch: int = 512, length: int = 16, width: int = 16, discount: float = 0.96, egocentric: bool = False
) -> Sampled:
    """Coin game of Pax and JaxMARL: that of M-FOS with a fifth action, to stay."""
    return recurrent_game(
        jaxmarl(egocentric, length), batch, width, discount, "coin_jaxmarl", channels=(16, 16)
    )


@SAMPLED.register("khan2024scaling")
def ipd_in_the_matrix(batch: int = 64, length: int = 152, width: int = 16, discount: float = 0.96) -> Sampled:
    """Prisoner's dilemma in the matrix, after STORM: recurrent actors and critics."""
    return recurrent_game(in_the_matrix(length=length), batch, width, discount, "ipd_in_the_matrix")


def as_estimator(name: str | Estimator) -> Estimator:
    """An estimator, given as itself or by name: `"dice"` or `"surrogate"`, both with the batch baseline."""
    known = {"dice": Dice("batch"), "surrogate": Surrogate("batch")}
    if isinstance(name, Estimator):
        return name
    if name not in known:
        raise ValueError(f"Unknown estimator {name!r}; {nearest(str(name), known)}.")
    return known[name]


def recurrent_game(
    environment: Any,
    batch: int,
    width: int,
    discount: float,
    name: str,
    channels: tuple[int, ...] = (),
    decay: float = 1.0,
    mix: float = 1.0,
) -> Sampled:
    """A sampled game of recurrent actors and critics, with Loaded DiCE and generalized advantages."""
    policy: Architecture = GruPolicy(width, channels)
    return Sampled(environment, policy, LoadedDice(decay, mix, bootstrap=True), discount, batch, name=name)


PLAYABLE = Registry("game")
"""The registry of all games, exact and sampled."""
for _entry in (*GAMES, *AUTOMATON_GAMES, *SAMPLED):
    PLAYABLE.add(_entry)


def as_game(given: Any) -> Game:
    """Return a game given as a `Game`, as a name in `PLAYABLE`, or as a factory such as `games.ipd`.

    Raises:
        ValueError: for an unknown name, and for anything that is not a game.

    Example:
        >>> from games import ipd
        >>> as_game("ipd").name == as_game(ipd).name == ipd().name
        True
    """
    if isinstance(given, Environment) and not isinstance(given, Game):
        raise ValueError(
            f"{given.name!r} is an environment, whose values are sampled; play Sampled(environment), which is a game."
        )
    return PLAYABLE.member(given, Game, "ipd()")
