"""The square payoff table of one population or of a round robin: what each strategy earns against each."""

from typing import Any

import numpy as np
from jaxtyping import Shaped

from games.exact.matrix import given
from solvers.payoffs import array_without_rounding, payoff_tensor

Table = Shaped[np.ndarray, "strategies strategies"]
"""Entry `[a, b]` is what strategy a earns against strategy b; float64 or `fractions.Fraction`."""


def square_table(game: Any, exact: bool = False) -> Table:
    r"""The payoffs $M_{ab}$ of a against b in a symmetric two-player game or a cross-play table, checked.

    Args:
        game: a square table whose entry `[a, b]` is what a earns against b, or a two-player game whose
            payoffs satisfy $B = A^\top$.
        exact: whether the result holds rationals instead of float64.

    Raises:
        ValueError: for a table that is not square or has an entry that is not a finite number, and for a game
            that is not symmetric.

    Example:
        >>> square_table([[0, 4], [1, 2]]).tolist()
        [[0.0, 4.0], [1.0, 2.0]]
    """
    try:
        array = array_without_rounding(given(getattr(game, "payoffs", game)))
    except ValueError as error:
        raise ValueError(
            "The rows of the table differ in length; row a holds what strategy a earns against every "
            "strategy."
        ) from error
    if array.ndim == 2 and array.shape[0] == array.shape[1]:
        try:
            return payoff_tensor(np.stack([array, array.T]), exact)[0]
        except ValueError as error:
            if "float64" in str(error):
                raise
            raise ValueError(
                "The table has an entry that is not a finite number; leave out strategies with pairings not "
                "played."
            ) from error
    if array.ndim == 3:
        tensor = payoff_tensor(array, exact)
        if tensor.shape[1] == tensor.shape[2] and (tensor[1] == tensor[0].T).all():
            return tensor[0]
        raise ValueError(
            "The game is not symmetric (B = A transposed), so its players are not drawn from one population; "
            "give a square table."
        )
    raise ValueError(
        f"The table has shape {array.shape}; it must be square, entry [a, b] being what strategy a earns "
        "against strategy b."
    )
