"""One cell of a tournament: the learners of one match, over all seeds."""

from typing import NamedTuple

from jaxtyping import Bool, Float, Int
from numpy import ndarray

from games.base import Game


class Cell(NamedTuple):
    """Numbers of one match, on the host.

    Attributes:
        game: the game; None if it cannot be rebuilt from a folder.
        learners: the learners' names, one per seat.
        params: final parameters, one array (seeds, size) per seat, flat, in the game's own form; None if they
            were not kept, as for sampled games.
        values: final per-step values, one row per seat.
        mean_values: their mean over the trajectory.
        ok: in which lanes all numbers are finite.
        steps: number of learning steps.
        curves: per-step values at every kept record; None without.
        curve_steps: number of learning steps before each of these records; None without.
    """

    game: Game | None
    learners: tuple[str, ...]
    params: tuple[Float[ndarray, "seeds size"], ...] | None
    values: Float[ndarray, "n seeds"]
    mean_values: Float[ndarray, "n seeds"]
    ok: Bool[ndarray, " seeds"]
    steps: int
    curves: Float[ndarray, "records n seeds"] | None = None
    curve_steps: Int[ndarray, " records"] | None = None
