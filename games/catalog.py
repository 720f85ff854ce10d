"""The named games, in the registry `GAMES`, with the payoffs and discounts of their sources."""

import itertools
from collections.abc import Callable
from typing import Any

import numpy as np

from games.base import Game
from games.checks import as_float, check_count, check_range
from games.device_memory import check_room
from games.exact import smooth
from games.exact.automata import AutomatonGame
from games.exact.iterated import Iterated
from games.exact.matrix import MatrixGame, exact_entries
from games.exact.similarity import similarity
from games.exact.smooth import Smooth
from games.registry import Registry

GAMES = Registry("game")
AUTOMATON_GAMES = Registry("game")
"""Repeated games between finite automata, in which strategies beyond memory one take part."""

DILEMMA = ((-1.0, -3.0), (0.0, -2.0))
PENNIES = ((1.0, -1.0), (-1.0, 1.0))
CHICKEN = ((0.0, -1.0), (1.0, -100.0))
STAG_HUNT = ((4.0, 0.0), (3.0, 1.0))
STRAVINSKY = (((2.0, 0.0), (0.0, 1.0)), ((1.0, 0.0), (0.0, 2.0)))
COORDINATION = ((4.0, 0.0), (0.0, 8.0))
ROCK_PAPER_SCISSORS = ((0.0, -1.0, 1.0), (1.0, 0.0, -1.0), (-1.0, 1.0, 0.0))


def game(citation: str, *aliases: str, **facts: Any) -> Callable[[Callable[..., Game]], Callable[..., Game]]:
    """Add the decorated function to `GAMES`; the first line of its docstring is the summary.

    Facts are, where there are any, the `discount`, whether the seats are alike (`symmetric`), the smallest and
    the largest payoff (`bounds`), and the action that is called `cooperation`.
    """
    return GAMES.register(
        citation,
        *aliases,
        **({"discount": None, "symmetric": False, "bounds": None, "cooperation": None} | facts),
    )


def zero_sum(row: Any, name: str, init_std: float) -> MatrixGame:
    """The two-player zero-sum game with these payoffs of the row player."""
    row = exact_entries("The row player's payoffs", row)
    return MatrixGame.bimatrix(row, -row, name=name, init_std=init_std)


@game("luce1957games", "pd", symmetric=True, bounds=(-3, 0), cooperation=0)
def prisoners_dilemma(payoffs: Any = DILEMMA, init_std: float = 1.0) -> MatrixGame:
    """Prisoner's dilemma, one shot: (C, C) -1, (C, D) -3, (D, C) 0, (D, D) -2."""
    return MatrixGame.symmetric(payoffs, name="prisoners_dilemma", init_std=init_std)


@game("foerster2018lola", "ipd", discount=0.96, symmetric=True, bounds=(-3, 0), cooperation=0)
def iterated_prisoners_dilemma(
    discount: float = 0.96, memory: int = 1, payoffs: Any = DILEMMA, init_std: float = 1.0
) -> Iterated:
    """Iterated prisoner's dilemma of LOLA and most that followed: -1, -3, 0, -2."""
    return Iterated(MatrixGame.symmetric(payoffs), discount, memory, "iterated_prisoners_dilemma", init_std)


@game("zhao2022pola", discount=0.96, symmetric=True, bounds=(-0.335, 0.665), cooperation=0)
def ipd_contribution(
    cf: float = 1.33, n_players: int = 2, discount: float = 0.96, memory: int = 1, init_std: float = 0.1
) -> Iterated:
    """Iterated contribution game: contributing costs 1 and pays cf/n to every player."""
    check_count("n_players", n_players, 2)
    check_room(
        f"A game of {n_players} players",
        16.0 * n_players * 2**n_players + 12.0 * 4**n_players,
        "choose a smaller n_players",
    )
    check_range("cf", cf)
    contributes = np.array(list(itertools.product([1.0, 0.0], repeat=n_players))).T.reshape(
        n_players, *[2] * n_players
    )
    shared = np.broadcast_to(contributes.sum(axis=0), contributes.shape) / n_players
    return Iterated(
        MatrixGame(as_float(cf) * shared - contributes), discount, memory, "ipd_contribution", init_std
    )


@game("axelrod1984evolution", discount=1.0, symmetric=True, bounds=(0, 5), cooperation=0)
def ipd_axelrod(discount: float = 1.0, memory: int = 1, init_std: float = 1.0) -> Iterated:
    """Iterated prisoner's dilemma of Axelrod and of Press and Dyson: 3, 0, 5, 1, average reward."""
    return Iterated(MatrixGame.symmetric([[3, 0], [5, 1]]), discount, memory, "ipd_axelrod", init_std)


@game("meulemans2024coala", discount=0.95, symmetric=True, bounds=(-1, 2), cooperation=0)
def ipd_coala(discount: float = 0.95, memory: int = 1, init_std: float = 1.0) -> Iterated:
    """Iterated prisoner's dilemma of COALA-PG: 1, -1, 2, 0."""
    return Iterated(MatrixGame.symmetric([[1, -1], [2, 0]]), discount, memory, "ipd_coala", init_std)


@game("kim2021metamapg", discount=0.96, symmetric=True, bounds=(-1.5, 1.5), cooperation=0)
def ipd_meta_mapg(discount: float = 0.96, memory: int = 1, init_std: float = 1.0) -> Iterated:
    """Iterated prisoner's dilemma of Meta-MAPG: 0.5, -1.5, 1.5, -0.5."""
    return Iterated(
        MatrixGame.symmetric([[0.5, -1.5], [1.5, -0.5]]), discount, memory, "ipd_meta_mapg", init_std
    )


@game("luce1957games", "mp", bounds=(-1, 1))
def matching_pennies(payoffs: Any = PENNIES, init_std: float = 1.0) -> MatrixGame:
    """Matching pennies, one shot: the row player wins 1 on a match, the column player on a mismatch."""
    return zero_sum(payoffs, "matching_pennies", init_std)


@game("foerster2018lola", "imp", discount=0.96, bounds=(-1, 1))
def iterated_matching_pennies(
    discount: float = 0.96, memory: int = 1, payoffs: Any = PENNIES, init_std: float = 1.0
) -> Iterated:
    """Iterated matching pennies: the row player wins 1 on a match; LOLA used discount 0.9, others 0.96."""
    return Iterated(
        zero_sum(payoffs, "matching_pennies", 1.0), discount, memory, "iterated_matching_pennies", init_std
    )


@game("lu2022mfos", symmetric=True, bounds=(-100, 1), cooperation=0)
def chicken(payoffs: Any = CHICKEN, init_std: float = 1.0) -> MatrixGame:
    """Chicken, one shot, with a crash of -100, as M-FOS and COLA play it."""
    return MatrixGame.symmetric(payoffs, name="chicken", init_std=init_std)


@game("cooijmans2023meva", discount=0.96, symmetric=True, bounds=(-100, 1), cooperation=0)
def iterated_chicken(
    discount: float = 0.96, memory: int = 1, payoffs: Any = CHICKEN, init_std: float = 1.0
) -> Iterated:
    """Iterated chicken, with a crash of -100, as meta-value learning plays it."""
    return Iterated(MatrixGame.symmetric(payoffs), discount, memory, "iterated_chicken", init_std)


@game("segura2025shapellm", discount=0.96, symmetric=True, bounds=(0, 4), cooperation=0)
def chicken_bounded(discount: float = 0.96, memory: int = 1, init_std: float = 1.0) -> Iterated:
    """Iterated chicken of the textbook, without the drastic crash: 3, 1, 4, 0."""
    return Iterated(MatrixGame.symmetric([[3, 1], [4, 0]]), discount, memory, "chicken_bounded", init_std)


@game("skyrms2004stag", symmetric=True, bounds=(0, 4), cooperation=0)
def stag_hunt(payoffs: Any = STAG_HUNT, init_std: float = 1.0) -> MatrixGame:
    """Stag hunt, one shot: 4 for two stags, 0 for a lone stag hunter, 3 for a hare alone, 1 for two hares."""
    return MatrixGame.symmetric(payoffs, name="stag_hunt", init_std=init_std)


@game("skyrms2004stag", discount=0.96, symmetric=True, bounds=(0, 4), cooperation=0)
def iterated_stag_hunt(
    discount: float = 0.96, memory: int = 1, payoffs: Any = STAG_HUNT, init_std: float = 1.0
) -> Iterated:
    """Iterated stag hunt: 4, 0, 3, 1."""
    return Iterated(MatrixGame.symmetric(payoffs), discount, memory, "iterated_stag_hunt", init_std)


@game("luce1957games", "bos", bounds=(0, 2))
def bach_stravinsky(payoffs: Any = STRAVINSKY, init_std: float = 1.0) -> MatrixGame:
    """Bach or Stravinsky, one shot: together is better than apart, and each has a favorite."""
    return MatrixGame(payoffs, "bach_stravinsky", init_std)


@game("kim2022further", "ibs", discount=1.0, bounds=(0, 2))
def iterated_bach_stravinsky(
    discount: float = 1.0, memory: int = 1, payoffs: Any = STRAVINSKY, init_std: float = 1.0
) -> Iterated:
    """Iterated Bach or Stravinsky, average reward, as FURTHER plays it."""
    return Iterated(MatrixGame(payoffs), discount, memory, "iterated_bach_stravinsky", init_std)


@game("kim2022further", symmetric=True, bounds=(0, 8))
def coordination(payoffs: Any = COORDINATION, init_std: float = 1.0) -> MatrixGame:
    """Coordination, one shot: 4 for meeting at A, 8 for meeting at B, nothing apart."""
    return MatrixGame.symmetric(payoffs, name="coordination", init_std=init_std)


@game("kim2022further", "ic", discount=1.0, symmetric=True, bounds=(0, 8))
def iterated_coordination(
    discount: float = 1.0, memory: int = 1, payoffs: Any = COORDINATION, init_std: float = 1.0
) -> Iterated:
    """Iterated coordination, average reward, as FURTHER plays it."""
    return Iterated(MatrixGame.symmetric(payoffs), discount, memory, "iterated_coordination", init_std)


@game("willi2022cola", bounds=(0, 8))
def ultimatum(init_std: float = 1.0) -> MatrixGame:
    """Binary ultimatum: a fair offer pays (5, 5), an unfair one (8, 2) if accepted and nothing otherwise."""
    return MatrixGame.bimatrix([[5, 5], [8, 0]], [[5, 5], [2, 0]], name="ultimatum", init_std=init_std)


@game("kim2021metamapg", "rps", symmetric=True, bounds=(-1, 1))
def rock_paper_scissors(payoffs: Any = ROCK_PAPER_SCISSORS, init_std: float = 1.0) -> MatrixGame:
    """Rock, paper, scissors, one shot: win 1, lose -1, draw 0."""
    return zero_sum(payoffs, "rock_paper_scissors", init_std)


@game("kim2021metamapg", "irps", discount=0.9, symmetric=True, bounds=(-1, 1))
def iterated_rock_paper_scissors(
    discount: float = 0.9, memory: int = 1, payoffs: Any = ROCK_PAPER_SCISSORS, init_std: float = 1.0
) -> Iterated:
    """Iterated rock, paper, scissors over nine joint states, as Meta-MAPG plays it."""
    return Iterated(
        zero_sum(payoffs, "rock_paper_scissors", 1.0),
        discount,
        memory,
        "iterated_rock_paper_scissors",
        init_std,
    )


@game("letcher2019sos", symmetric=True)
def tandem(init_std: float = 0.1) -> Smooth:
    """Tandem: losses (x+y)^2 - 2x and (x+y)^2 - 2y; a line of stable fixed points, which LOLA leaves."""
    return Smooth(smooth.tandem_losses, name="tandem", init_std=init_std)


@game("willi2022cola", symmetric=True)
def tandem_cubed(init_std: float = 0.1) -> Smooth:
    """Tandem of the fourth power: losses (x+y)^4 - 2x and (x+y)^4 - 2y."""
    return Smooth(smooth.tandem_cubed_losses, name="tandem_cubed", init_std=init_std)


@game("balduzzi2018mechanics", "rotation")
def hamiltonian(init_std: float = 1.0) -> Smooth:
    """Pure rotation: losses xy and -xy."""
    return Smooth(smooth.hamiltonian_losses, name="hamiltonian", init_std=init_std)


@game("balduzzi2018mechanics")
def balduzzi(init_std: float = 1.0) -> Smooth:
    """Weak attraction under strong rotation: losses x^2/2 + 10xy and y^2/2 - 10xy."""
    return Smooth(smooth.balduzzi_losses, name="balduzzi", init_std=init_std)


@game("letcher2021impossibility")
def zero_sum_cycle(init_std: float = 1.0) -> Smooth:
    """Zero-sum game whose gradient dynamics are drawn into a bounded cycle."""
    return Smooth(smooth.zero_sum_cycle_losses, name="zero_sum_cycle", init_std=init_std)


@game("letcher2021impossibility")
def market(init_std: float = 1.0) -> Smooth:
    """Coercive two-player market whose only critical point is a strict maximum."""
    return Smooth(smooth.market_losses, name="market", init_std=init_std)


@game("letcher2021impossibility")
def market_with_min(radius: float = 0.01, init_std: float = 1.0) -> Smooth:
    """Coercive two-player market whose only critical point is a strict minimum with a tiny basin."""
    return smooth.market_with_min(radius, init_std)


@game("oesterheld2023similarity", "diff", symmetric=True, bounds=(0, 3))
def similarity_dilemma(noise: float = 0.5, gain: float = 2.0, init_std: float = 1.0) -> Smooth:
    """Prisoner's dilemma of threshold policies that see, with noise, how alike they are."""
    return similarity(noise, gain, init_std)


@AUTOMATON_GAMES.register("foerster2018lola", cooperation=0)
def ipd_automata(
    discount: float = 0.96, states: int = 9, error: float = 0.0, init_std: float = 1.0
) -> AutomatonGame:
    """Iterated prisoner's dilemma of LOLA between finite automata: -1, -3, 0, -2."""
    stage = MatrixGame.symmetric(DILEMMA)
    return AutomatonGame(stage, discount, None, states, error, "ipd_automata", init_std)


@AUTOMATON_GAMES.register("axelrod1984evolution", cooperation=0)
def axelrod_tournament(
    length: int = 200, discount: float = 1.0, states: int = 9, error: float = 0.0, init_std: float = 1.0
) -> AutomatonGame:
    """Axelrod's tournament: matches of 200 steps between finite automata, 3, 0, 5, 1, no discounting."""
    stage = MatrixGame.symmetric([[3, 0], [5, 1]])
    return AutomatonGame(stage, discount, length, states, error, "axelrod_tournament", init_std)
