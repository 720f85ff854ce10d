"""Normal-form games over mixed strategies."""

import functools
import numbers
import weakref
from collections.abc import Callable, Iterator
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
import numpy as np
from jax.core import Tracer
from jaxtyping import Array, Float, Key

from games.base import Game, Joint, Own, check_shapes, normal_init, precision
from games.checks import as_float, check_pairs, check_range, floating, numeric_array
from games.exact.tables import kl_divergence, probabilities, table_shape

EXACT_ENTRIES: dict[int, np.ndarray] = {}
"""The payoffs as they were given, before they were rounded to floats, by the `id` of the payoff array.

Exact solvers need them: float32 holds neither 1/3 nor 1000000001. They cannot be a field of the game, since
exact fractions cannot be traced: a static field would recompile for every game, and would keep the old
numbers when `jax.tree.map` or a compiled function changes the payoffs. An array computed from the payoffs is
another object and has no entry here. An entry is deleted with its array."""


def remember(payoffs: Array, entries: Any) -> Array:
    """Store the exact entries of a payoff array for `given`; return the array."""
    if isinstance(entries, np.ndarray) and not isinstance(payoffs, Tracer):
        EXACT_ENTRIES[id(payoffs)] = entries
        weakref.finalize(payoffs, EXACT_ENTRIES.pop, id(payoffs), None).atexit = False
    return payoffs


def given(payoffs: Any) -> Any:
    """The exact entries that an array of payoffs was made from, if they are known; otherwise the array.

    Example:
        >>> given(MatrixGame.symmetric([[0, 1000000001], [1, 2]]).payoffs)[0, 0, 1]
        1000000001
    """
    return EXACT_ENTRIES.get(id(payoffs), payoffs)


def unrounded(value: Any, checked: Float[Array, "..."]) -> Any:
    """The entries of `value` before rounding, a NumPy array; for a JAX array, `checked` itself."""
    if isinstance(value, np.ndarray) and value.dtype.kind == "f":
        return value.copy()
    leaves = list(flat(value))
    if (
        isinstance(checked, Tracer)
        or isinstance(value, jax.Array)
        or not all(isinstance(x, numbers.Number) for x in leaves)
    ):
        return checked
    array = np.empty(len(leaves), dtype=object)
    array[:] = leaves
    return array.reshape(checked.shape)


def exact_entries(what: str, value: Any) -> Any:
    """Check that `value` is an array of finite numbers, and return its entries before rounding.

    Raises:
        ValueError: as `numeric_array` does.
    """
    return unrounded(value, numeric_array(what, value))


def flat(value: Any) -> Iterator[Any]:
    """The entries of nested sequences and arrays, in order, each of its own type."""
    if isinstance(value, (np.ndarray, jax.Array)) and not isinstance(value, Tracer):
        array = np.asarray(value)
        yield from array.ravel().tolist() if array.dtype.kind in "iub" else array.ravel()
    elif isinstance(value, (list, tuple)):
        for part in value:
            yield from flat(part)
    else:
        yield value.item() if isinstance(value, (np.integer, np.bool_)) else value


def check_payoffs(payoffs: Any) -> Float[Array, "n_players *actions"]:
    """Check a payoff tensor `(n, A1, ..., An)`, and return it as a float array.

    Raises:
        ValueError: for rows of different lengths, entries that are not finite, or a shape of another form.
    """
    check_pairs("The payoff tensor", payoffs)
    value, payoffs = payoffs, numeric_array("The payoff tensor", payoffs)
    n = payoffs.ndim - 1
    if n < 1 or payoffs.shape[0] != n:
        raise ValueError(
            f"The payoff tensor has shape {payoffs.shape}; it must be (n, A1, ..., An): one leading entry per player and one axis per "
            f"player's actions, so {payoffs.ndim} axes call for a leading axis of length {n}; numpy.moveaxis(table, -1, 0) makes it of a "
            "table whose cells hold all players' payoffs."
        )
    if min(payoffs.shape[1:]) < 2:
        raise ValueError(
            f"The payoff tensor has shape {payoffs.shape}; every player needs at least 2 actions."
        )
    return remember(payoffs, unrounded(value, payoffs))


class MatrixGame(Game):
    r"""An n-player normal-form game; parameters are the logits of mixed strategies.

    $V_i(\theta) = \sum_{a_1, \dots, a_n} \prod_j \pi_{\theta_j}(a_j)\, u_i(a_1, \dots, a_n)$

    A player with two actions has one logit, whose sigmoid is the probability of action 0; a player with more
    actions has one logit per action. `payoffs` is an array, so games with other payoffs run
    in the same compiled program, and `jax.vmap` plays many games at once.

    Args:
        payoffs: `(n, A1, ..., An)`; entry `[i, a1, ..., an]` is the payoff of player i.
        name: name in tables.
        init_std: standard deviation of the initial logits, at least 0.

    Raises:
        ValueError: for rows of different lengths, entries that are not finite, or a shape of another form.

    Example:
        >>> game = MatrixGame.symmetric([[-1, -3], [0, -2]])
        >>> game.values((jnp.zeros(1), jnp.zeros(1))).tolist()
        [-1.5, -1.5]
    """

    payoffs: Float[Array, "n_players *actions"] = eqx.field(converter=check_payoffs)
    name: str = eqx.field(static=True, default="matrix")
    init_std: Float[Array, ""] = eqx.field(converter=floating, default=1.0)

    def __check_init__(self):
        check_range("init_std", self.init_std, 0.0)

    @classmethod
    def bimatrix(cls, row: Any, column: Any, **settings: Any) -> "MatrixGame":
        """The two-player game with the payoffs `row[a, b]` and `column[a, b]` of row and column player."""
        row, column = (
            exact_entries("The row player's payoffs", row),
            exact_entries("The column player's payoffs", column),
        )
        if row.shape != column.shape:
            raise ValueError(
                f"The players' payoffs have shapes {row.shape} and {column.shape}; both must be (row actions, column actions)."
            )
        if isinstance(row, jax.Array) or isinstance(column, jax.Array):
            return cls(jnp.stack([as_float(row), as_float(column)]), **settings)
        return cls(np.stack([row, column]) if row.dtype == column.dtype else (row, column), **settings)

    @classmethod
    def symmetric(cls, row: Any, **settings: Any) -> "MatrixGame":
        """The symmetric two-player game in which the column player's payoffs are the transpose of `row`."""
        row = exact_entries("The row player's payoffs", row)
        return cls.bimatrix(row, row.T, **settings)

    @property
    def n_players(self) -> int:
        """Number of players."""
        return self.payoffs.ndim - 1

    @property
    def n_actions(self) -> tuple[int, ...]:
        """Number of actions of each player."""
        return self.payoffs.shape[1:]

    @property
    def shapes(self) -> tuple[tuple[int, ...], ...]:
        """Shape of each player's logits."""
        return tuple(table_shape(1, a)[-1:] for a in self.n_actions)

    def init(self, key: Key[Array, ""]) -> Joint:
        """Draw all players' logits from $N(0, std^2)$."""
        return normal_init(key, self.shapes, self.init_std)

    def strategies(self, params: Joint) -> tuple[Float[Array, " actions"], ...]:
        """All players' mixed strategies."""
        check_shapes(self.name, params, self.shapes)
        return tuple(
            probabilities(own[0] if a == 2 else own, a) for own, a in zip(params, self.n_actions, strict=True)
        )

    def values(self, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " n_players"]:
        """All players' expected payoffs."""
        payoffs = self.payoffs.astype(precision(params))
        return jnp.sum(
            payoffs * outer(self.strategies(params))[None], axis=tuple(range(1, self.n_players + 1))
        )

    def divergence(
        self, player: int, old: Own, new: Own, params: Joint, key: Key[Array, ""] | None = None
    ) -> Float[Array, ""]:
        """The Kullback-Leibler divergence of the new mixed strategy from the old one."""
        return kl_divergence(old, new, self.n_actions[player])

    def exchanged(self) -> "MatrixGame | None":
        """The game with its seats exchanged; None unless both players have the same number of actions."""
        return relabeled(self, (1, 0)) if self.n_players == 2 and len(set(self.n_actions)) == 1 else None


def outer(
    strategies: tuple[Float[Array, "*batch _"], ...], combine: Callable[..., Array] = jnp.multiply
) -> Float[Array, "..."]:
    """The outer product of the players' action probabilities: the probability of every joint action.

    Args:
        strategies: probabilities of each player's actions along the last axis, after any batch axes.
        combine: `jnp.add` for log-probabilities.
    """
    n = len(strategies)
    batch = strategies[0].shape[:-1]
    shaped = [
        p.reshape(*batch, *(p.shape[-1] if i == j else 1 for j in range(n))) for i, p in enumerate(strategies)
    ]
    return functools.reduce(combine, shaped)


def relabeled(game: MatrixGame, order: tuple[int, ...]) -> MatrixGame:
    """The same game with its seats permuted: seat k of the result is seat `order[k]` of `game`.

    Example:
        >>> relabeled(MatrixGame.bimatrix([[2, 0], [0, 1]], [[1, 0], [0, 2]]), (1, 0)).payoffs[0].tolist()
        [[1.0, 0.0], [0.0, 2.0]]
    """
    axes = (0, *(1 + k for k in order))
    payoffs, entries = jnp.transpose(game.payoffs[np.array(order)], axes), given(game.payoffs)
    if isinstance(entries, np.ndarray):
        remember(payoffs, np.transpose(entries[list(order)], axes))
    return eqx.tree_at(lambda g: g.payoffs, game, payoffs)
