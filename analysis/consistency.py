"""How far learners are from knowing each other's steps, and how alike the steps of two rules are."""

from collections.abc import Sequence

import jax.numpy as jnp
import optax
from jaxtyping import Array, Float

from games.base import Game, Joint, Own
from shaping.base import Learner, Scalar, View
from shaping.calculus.consistency import Direction, anticipated, gaps
from shaping.calculus.gradients import dot


def direction_of(game: Game, learners: Sequence[Learner]) -> Direction:
    """The learners' first steps, as a function of everybody's parameters and the seat."""

    def direction(params: Joint, seat: int) -> Own:
        view = View(game, params, seat)
        return learners[seat].update(learners[seat].init(view), view)[0]

    return direction


def directions(game: Game, learners: Sequence[Learner], params: Joint) -> Joint:
    """Everybody's first step at these parameters.

    Example:
        >>> from games import tandem
        >>> from shaping import Naive
        >>> [d.tolist() for d in directions(tandem(), [Naive()] * 2, (jnp.array([0.25]), jnp.array([0.25])))]
        [[1.0], [1.0]]
    """
    direction = direction_of(game, learners)
    return tuple(direction(params, seat) for seat in range(game.n_players))


def anticipated_gradients(
    game: Game, learners: Sequence[Learner], params: Joint, look_ahead: Scalar
) -> Joint:
    r"""Everybody's $\nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}(\theta))$: the direction one would take, knowing the others'.

    Example:
        >>> from games import tandem
        >>> from shaping import Lola, Naive
        >>> at = (jnp.array([0.25]), jnp.array([0.25]))
        >>> anticipated_gradients(tandem(), [Naive()] * 2, at, 0.1) == directions(tandem(), [Lola(look_ahead=0.1)] * 2, at)
        True
    """
    direction = direction_of(game, learners)
    return tuple(anticipated(game, direction, params, look_ahead, seat) for seat in range(game.n_players))


def consistency_loss(
    game: Game, learners: Sequence[Learner], params: Joint, look_ahead: Scalar
) -> Float[Array, ""]:
    r"""The consistency loss $C = \sum_i |d_i(\theta) - \nabla_i V_i(\theta_i, \theta_{-i} + b\, d_{-i}(\theta))|^2$.

    It is 0 where everybody's direction $d_i$ is the best one given the others' *actual* directions, and not
    some lower-order guess of them; the gradient is a total derivative, through $d_{-i}$.

    Args:
        game: the game.
        learners: one per seat, with `lr=1`, so that their steps are directions in units of the gradient.
        params: everybody's parameters $\theta$.
        look_ahead: $b$.

    Returns:
        The loss, summed over players and parameters.

    Source:
        Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness", section 4.

    Example:
        >>> from games import tandem
        >>> from shaping import Lola
        >>> at = (jnp.array([0.3]), jnp.array([0.1]))
        >>> round(consistency_loss(tandem(), [Lola()] * 2, at, 1.0).item(), 2)
        128.0
    """
    return jnp.asarray(
        optax.tree.norm(gaps(game, direction_of(game, learners), params, look_ahead), squared=True)
    )


def cosine(x: Joint, y: Joint) -> Float[Array, ""]:
    r"""$\langle x, y \rangle / (|x| |y|)$ over everybody's entries, in [-1, 1]; NaN where one of them is 0.

    Between a rule's `directions` and its `anticipated_gradients` it is 1 where the rule is consistent.

    Example:
        >>> round(cosine((jnp.array([3.0]), jnp.array([0.0])), (jnp.array([3.0]), jnp.array([4.0]))).item(), 3)
        0.6
    """
    return jnp.asarray(dot(x, y) / (optax.tree.norm(x) * optax.tree.norm(y)))


def cosine_similarity(
    game: Game, learners: Sequence[Learner], others: Sequence[Learner], params: Joint
) -> Float[Array, ""]:
    """How alike the directions of two rules are: the cosine of the angle between them, over everybody's parameters together.

    Args:
        game: the game.
        learners: one per seat.
        others: one per seat.
        params: everybody's parameters.

    Returns:
        A number in [-1, 1]; NaN where a rule stands still.

    Source:
        Willi et al. 2022, "COLA: consistent learning with opponent-learning awareness", tables 1b, 2b and 3b:
        the mean over parameters drawn from the region that COLA was trained on.

    Example:
        >>> from games import tandem
        >>> from shaping import Lola, Naive
        >>> at = (jnp.array([0.3]), jnp.array([0.1]))
        >>> cosine_similarity(tandem(), [Lola(look_ahead=0.0)] * 2, [Naive()] * 2, at).round(3).item()
        1.0
    """
    return cosine(directions(game, learners, params), directions(game, others, params))
