r"""The simultaneous gradient and the game Jacobian, flat over all players' parameters.

Players **maximize** $V_i$, so $\xi_i = \nabla_i V_i$ points uphill and $J = D\xi$ is the Jacobian of ascent.
The papers minimize losses $L_i = -V_i$: their simultaneous gradient is $-\xi$ and their game Jacobian (or
Hessian) is $H = -J$, so that eigenvalues of H with positive real parts (attracting under descent) are
eigenvalues of J with negative real parts (attracting under ascent).
"""

from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import numpy as np
from jax.flatten_util import ravel_pytree
from jaxtyping import Array, Complex, Float, Key

from games.base import Game, Joint
from games.compiler import filter_jit
from games.sampled.catalog import as_game

Field = Callable[[Joint], Joint]
"""A vector field on joint parameters: the change of each player's parameters per step or per unit of time."""
Matrix = Float[Array, "d d"] | Float[np.ndarray, "d d"]


class GradientField(eqx.Module):
    r"""The simultaneous gradient as a field, $\theta \mapsto (\nabla_1 V_1, \dots, \nabla_n V_n)$.

    A pytree, so that games of one structure share compiled code.
    """

    game: Game
    key: Key[Array, ""] | None = None

    def __call__(self, params: Joint) -> Joint:
        """The gradient of each player's value in its own parameters, in the structure of the parameters."""

        def value(own: Any, player: int) -> Float[Array, ""]:
            return self.game.values((*params[:player], own, *params[player + 1 :]), self.key)[player]

        return tuple(jax.grad(value)(own, player) for player, own in enumerate(params))


@filter_jit
def simultaneous_gradient(game: Game, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, " d"]:
    r"""The simultaneous gradient $\xi(\theta) = (\nabla_1 V_1, \dots, \nabla_n V_n)$.

    Args:
        game: the game.
        params: joint parameters, d numbers in all.
        key: for sampled games.

    Returns:
        $\xi$, flat in the order of the parameters' leaves; minus the $\xi$ of papers that minimize losses.

    Example:
        >>> from games import hamiltonian
        >>> simultaneous_gradient(hamiltonian(), (np.array([2.0]), np.array([3.0]))).tolist()
        [-3.0, 2.0]

    Source:
        Balduzzi et al. 2018, section 2.
    """
    return ravel_pytree(GradientField(as_game(game), key)(params))[0]


def field_jacobian(field: Field, params: Joint) -> Float[Array, "d d"]:
    r"""The Jacobian of a vector field on joint parameters, $\partial_b f_a$ in row a and column b.

    Args:
        field: parameters to velocities of the same structure.
        params: joint parameters, d numbers in all.

    Example:
        >>> field_jacobian(lambda joint: (joint[1], 2 * joint[0]), (np.ones(1), np.ones(1))).tolist()
        [[0.0, 1.0], [2.0, 0.0]]
    """
    theta, unravel = ravel_pytree(params)
    return jax.jacfwd(lambda t: ravel_pytree(field(unravel(t)))[0])(theta)


@filter_jit
def game_jacobian(game: Game, params: Joint, key: Key[Array, ""] | None = None) -> Float[Array, "d d"]:
    r"""The game Jacobian $J = D\xi$, whose block (i, j) is $\nabla_j \nabla_i V_i$.

    Args:
        game: the game.
        params: joint parameters, d numbers in all.
        key: for sampled games.

    Returns:
        J; minus the H of papers that minimize losses.

    Example:
        >>> from games import balduzzi
        >>> game_jacobian(balduzzi(), (np.zeros(1), np.zeros(1))).tolist()
        [[-1.0, -10.0], [10.0, -1.0]]

    Source:
        Balduzzi et al. 2018, section 2.1; Letcher et al. 2019, Differentiable Game Mechanics.
    """
    return field_jacobian(GradientField(as_game(game), key), params)


def symmetric_part(matrix: Matrix) -> Matrix:
    r"""The symmetric part $S = (J + J^\top)/2$; in a potential game it is the whole Jacobian.

    Example:
        >>> symmetric_part(np.array([[-1.0, -10.0], [10.0, -1.0]])).tolist()
        [[-1.0, 0.0], [0.0, -1.0]]
    """
    return (matrix + matrix.T) / 2


def antisymmetric_part(matrix: Matrix) -> Matrix:
    r"""The antisymmetric part $A = (J - J^\top)/2$; in a Hamiltonian game it is the whole Jacobian.

    Example:
        >>> antisymmetric_part(np.array([[-1.0, -10.0], [10.0, -1.0]])).tolist()
        [[0.0, -10.0], [10.0, 0.0]]
    """
    return (matrix - matrix.T) / 2


def eigenvalues(matrix: Matrix) -> Complex[np.ndarray, " d"]:
    """Eigenvalues of a square matrix in float64, by descending real part, then imaginary part.

    Example:
        >>> eigenvalues(np.array([[0.0, -1.0], [1.0, 0.0]])).tolist()
        [1j, -1j]
    """
    found = np.linalg.eigvals(np.asarray(matrix, dtype=float)).astype(complex)
    return found[np.lexsort((-np.imag(found), -np.real(found)))]


def positions(params: Joint) -> tuple[slice, ...]:
    """The slice of the flat parameter vector that belongs to each player.

    Example:
        >>> positions((np.zeros(2), (np.zeros(()), np.zeros(()), np.zeros(()))))
        (slice(0, 2, None), slice(2, 5, None))
    """
    ends = np.cumsum([sum(int(np.size(leaf)) for leaf in jax.tree.leaves(own)) for own in params]).tolist()
    return tuple(slice(begin, end) for begin, end in zip([0, *ends[:-1]], ends, strict=True))
