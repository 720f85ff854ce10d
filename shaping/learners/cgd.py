"""Competitive gradient descent."""

import jax
import jax.numpy as jnp
import optax
from jaxtyping import PyTree

from games.base import Joint, Own
from shaping.base import Learner, Scalar, View, count, number
from shaping.calculus import least_squares
from shaping.calculus.gradients import interaction, simultaneous


class Cgd(Learner):
    r"""Step to the equilibrium of a local bilinear approximation of the game: $\theta \leftarrow \theta + a\,(I - b H_o)^{-1} \xi$.

    $\xi$ is the simultaneous gradient and $H_o$ the off-diagonal blocks of its Jacobian; in losses, the
    inverse is that of $I + b H_o$. The system is solved by conjugate gradients, so memory grows with the
    number of parameters, not with its square. To first order in b this is `LookAhead`, $(I + b H_o)\,\xi$,
    which papers call linearized competitive gradient descent.

    Args:
        lr: own step size $a$, at least 0.
        look_ahead: $b$, the step size of the bilinear game, at least 0; at 0 this is the naive learner.
        iterations: the most iterations of the solver.
        tolerance: fraction of the first residual at which the solver stops, at least 0.

    Source:
        Schäfer & Anandkumar 2019, "Competitive gradient descent"; for n players Ma et al. 2021, "Polymatrix
        competitive gradient descent".

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Cgd(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)
    look_ahead: Scalar = number(1.0)
    iterations: int = count(30)
    tolerance: Scalar = number(1e-6)

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The own part of the solution, scaled."""

        def apply(x: Joint) -> Joint:
            return optax.tree.add_scale(x, -self.look_ahead, interaction(view, view.params, x))

        zero = optax.tree.zeros_like(view.params)
        _, apply = jax.linearize(apply, zero)  # computes once what does not depend on x
        transposed = jax.linear_transpose(apply, zero)
        xi = simultaneous(view, view.params)
        direction = least_squares.solve(
            apply, lambda y: transposed(y)[0], xi, self.iterations, jnp.asarray(self.tolerance)
        )
        return optax.tree.scale(self.lr, direction[view.seat]), state
