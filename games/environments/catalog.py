"""The named environments, in the registry `ENVIRONMENTS`."""

from games import catalog
from games.environments.coin import CoinGame
from games.environments.in_the_matrix import InTheMatrix
from games.environments.repeated_matrix import Repetition
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame
from games.registry import Registry

ENVIRONMENTS = Registry("environment")


@ENVIRONMENTS.register("foerster2018lola")
def coin_lola(ties: str = "both", egocentric: bool = False, length: int = 150) -> CoinGame:
    """Coin game of LOLA, DiCE and POLA: one coin of alternating color, never under a player."""
    return CoinGame.lola(ties, length, egocentric=egocentric)


@ENVIRONMENTS.register("aghajohari2024loqa")
def coin_loqa(size: int = 3, egocentric: bool = False, length: int = 50) -> CoinGame:
    """Coin game of LOQA: LOLA's on grids of 3 to 7 rows, 50 steps."""
    return CoinGame.loqa(size, length, egocentric=egocentric)


@ENVIRONMENTS.register("lu2022mfos")
def coin_mfos(length: int = 16) -> CoinGame:
    """Coin game of M-FOS: two coins, anywhere, 16 steps of which the last is unpaid."""
    return CoinGame.mfos(length)


@ENVIRONMENTS.register("rutherford2024jaxmarl", "coin_pax")
def coin_jaxmarl(egocentric: bool = False, length: int = 16) -> CoinGame:
    """Coin game of Pax and JaxMARL: that of M-FOS with a fifth action, to stay."""
    return CoinGame.jaxmarl(egocentric, length)


@ENVIRONMENTS.register("khan2024scaling", "storm")
def ipd_in_the_matrix(coins: str = "fixed", length: int = 152) -> InTheMatrix:
    """Prisoner's dilemma in the matrix, after STORM: coins are collected, then played; 3, 0, 5, 1."""
    return InTheMatrix(
        MatrixGame.symmetric([[3, 0], [5, 1]]),
        coins,
        length=length,
        last_reward="unpaid",
        name="ipd_in_the_matrix",
    )


@ENVIRONMENTS.register("foerster2018dice", "repeated_prisoners_dilemma")
def ipd_rollout(length: int = 150, encoding: str = "one_hot") -> Repetition:
    """Iterated prisoner's dilemma of DiCE, step by step: -1, -3, 0, -2."""
    return repetition("iterated_prisoners_dilemma", length, encoding, "ipd_rollout")


@ENVIRONMENTS.register("foerster2018dice", "repeated_matching_pennies")
def imp_rollout(length: int = 150, encoding: str = "one_hot") -> Repetition:
    """Iterated matching pennies, step by step: the row player wins 1 on a match."""
    return repetition("iterated_matching_pennies", length, encoding, "imp_rollout")


@ENVIRONMENTS.register("zhao2022pola")
def ipd_contribution_rollout(length: int = 50, encoding: str = "per_player") -> Repetition:
    """Iterated contribution game of POLA, step by step: contributing costs 1 and pays 0.665 to both."""
    return repetition("ipd_contribution", length, encoding, "ipd_contribution_rollout")


def repetition(
    game: str, length: int = 150, encoding: str = "one_hot", name: str | None = None
) -> Repetition:
    """The environment that repeats the stage of a named matrix or iterated game.

    Args:
        game: a name or an alias in `GAMES`.
        length: number of steps of an episode, at least 1.
        encoding: encoding of the last joint action; see `Repetition`.
        name: name in tables.

    Raises:
        ValueError: for an unknown game, or one without a stage game.

    Example:
        >>> repetition("chicken").n_actions
        (2, 2)
    """
    made = catalog.GAMES.make(game)
    stage = made.stage if isinstance(made, Iterated) else made
    if not isinstance(stage, MatrixGame):
        raise ValueError(
            f"{game!r} repeats no stage game; take a matrix game or an iterated one, such as 'ipd'."
        )
    return Repetition(stage, length, encoding, name or f"{made.name}_rollout")
