r"""Logit quantal response equilibria on the principal branch in JAX, batched and differentiable.

The unknowns are log odds $z_{ia} = \log(\sigma_{ia} / \sigma_{i,last})$ for all actions of each player except
the last, so that no probability can become negative or underflow. A profile is a quantal response equilibrium
at precision $\lambda$ if $F(z, \lambda) = z_{ia} - \lambda (u_{ia}(\sigma) - u_{i,last}(\sigma)) = 0$.
`solvers.n_player.homotopy` follows the same branch in numpy; its docstring states why both exist.
"""

from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jax import lax
from jaxtyping import Array, Bool, Float, Int

from games.checks import check_count, check_range, concrete, numeric_array
from games.compiler import jit
from games.linear_systems import eliminate, solve
from games.printing import as_text, counted, text_table
from solvers.n_player.homotopy import CROSSING_LENGTH, FIRST_STEP, LARGEST_CORRECTION, TARGET_CORRECTION
from solvers.payoffs_jax import Payoffs, Profile, action_values, as_payoffs, contract
from solvers.printing import listing, rounded_text

SHORTEST_STEP = 1e-9
"""The path ends if the length of a step falls below this."""


class QuantalResponse(eqx.Module):
    r"""Logit quantal response equilibria of a game, one per precision.

    Args:
        precisions: $\lambda$, in the order of the argument.
        strategies: for each player `(precisions, actions)`; NaN where not converged.
        residual: the largest difference between a probability and the logit response to the others, computed
            from the strategies.
        converged: whether the branch reached this precision and the residual is within tolerance.
        steps: number of attempted steps.
    """

    precisions: Float[Array, " precisions"]
    strategies: tuple[Float[Array, "precisions _"], ...]
    residual: Float[Array, " precisions"]
    converged: Bool[Array, " precisions"]
    steps: Int[Array, ""]

    def __repr__(self) -> str:
        head = f"QuantalResponse: {counted(len(self.strategies), 'player')}"
        if self.precisions.ndim != 1 or not all(map(concrete, jax.tree.leaves(self))):
            return f"{head}, precisions {as_text(self.precisions)}"
        columns = ["precision", *(f"player {i}" for i in range(len(self.strategies))), "residual", "status"]
        rows = [
            [
                rounded_text(entry["precision"]),
                *(listing([rounded_text(p) for p in own]) for own in entry["profile"]),
                rounded_text(entry["residual"]),
                entry["status"],
            ]
            for entry in self.as_json()
        ]
        return f"{head}\n{text_table(columns, rows)}"

    def as_json(self) -> list[dict[str, Any]]:
        """One entry per precision, as data for JSON; for a result without batch axes."""
        return [
            {
                "precision": float(self.precisions[k]),
                "profile": [s[k].tolist() for s in self.strategies],
                "residual": float(self.residual[k]),
                "status": "solved" if self.converged[k] else "not_converged",
            }
            for k in range(len(self.precisions))
        ]


def quantal_response(
    game: Any, precisions: Any, max_steps: int = 2000, tolerance: float | None = None
) -> QuantalResponse:
    r"""Logit quantal response equilibria where the principal branch first reaches each precision.

    $\sigma_{ia} = \exp(\lambda u_{ia}(\sigma)) / \sum_b \exp(\lambda u_{ib}(\sigma))$

    The branch is followed from the uniform profile at $\lambda = 0$ by the predictor-corrector method of
    `principal_branch`, including bends. Derivatives by payoffs and precisions, to any order and in both
    modes, follow from the implicit function theorem; they are not finite where the branch turns. The function
    works under `jit` and `vmap`, and calls no LAPACK.

    For random games, float32 reaches precisions of some hundreds over the payoff range in all but a few of
    ten thousand games, float64 a million in all. Use float64 for symmetric games: where their branches cross,
    rounding in float32 can lead to another branch of solutions, such as the asymmetric one of chicken.

    Args:
        game: a `MatrixGame`, payoffs `(n, A1, ..., An)`, traced or not, or a pair of payoff matrices.
        precisions: $\lambda$, at least 0, in units of 1 over payoff, in any order.
        max_steps: the largest number of attempted steps.
        tolerance: the largest residual of a converged profile; by default the square root of the machine
            precision.

    Raises:
        ValueError: if the payoffs or the precisions are not finite or have the wrong shape.

    Source:
        McKelvey & Palfrey (1995), "Quantal response equilibria for normal form games"; Turocy (2005).

    Example:
        >>> found = quantal_response(([[1, 0], [0, 1]], [[0, 1], [1, 0]]), [0.0, 3.0])
        >>> found.strategies[0].tolist(), found.converged.tolist()
        ([[0.5, 0.5], [0.5, 0.5]], [True, True])
    """
    payoffs = as_payoffs(game)
    check_count("max_steps", max_steps)
    precisions = numeric_array("The list of precisions", precisions).astype(payoffs.dtype)
    check_range("A precision", precisions, 0.0)
    if precisions.ndim != 1 or not len(precisions):
        raise ValueError(f"The precisions have shape {precisions.shape}; pass a list of at least one.")
    if tolerance is None:
        tolerance = float(jnp.finfo(payoffs.dtype).eps) ** 0.5
    return on_principal_branch(payoffs, precisions, max_steps, tolerance)


@jit
def on_principal_branch(
    payoffs: Payoffs, precisions: Float[Array, " precisions"], max_steps: Any, tolerance: Any
) -> QuantalResponse:
    """The compiled part of `quantal_response`: follow the branch, then attach derivatives to its points.

    The payoffs are shifted and scaled to [0, 1] in one unit for all players, which changes only the unit of
    the precision.
    """
    constant, order = lax.stop_gradient(payoffs), jnp.argsort(lax.stop_gradient(precisions))
    lowest = constant.min(axis=tuple(range(1, constant.ndim)), keepdims=True)
    width = (constant - lowest).max()
    width = jnp.where(width > 0, width, 1.0)
    followed, reached, steps = follow_branch(
        (constant - lowest) / width, (lax.stop_gradient(precisions) * width)[order], max_steps
    )
    back = jnp.argsort(order)

    def with_derivatives(branch_odds, precision):
        orders, start = move_likeliest_last(branch_odds, payoffs.shape[1:])
        table, fixed = reorder(payoffs, orders), lax.stop_gradient(precision)
        constant_table = lax.stop_gradient(table)

        def polish(_, z):
            gaps = equations(z, fixed, constant_table)
            return z - jnp.where(
                is_root(gaps, z),
                0.0,
                eliminate(derivatives(z, fixed, constant_table)[:, :-1], gaps[:, None])[0][:, 0],
            )

        z = lax.custom_root(
            lambda z: equations(z, precision, table),
            start,
            lambda _, z: lax.fori_loop(0, 3, polish, z),
            lambda g, y: solve(jax.jacfwd(g)(y), y),
        )
        found = lax.stop_gradient(z)
        residual, stays_close = (
            response_gap(found, fixed, constant_table),
            (jnp.abs(found - start) <= 1e-2).all(),
        )
        strategies = tuple(
            own[order] for own, order in zip(probabilities(z, payoffs.shape[1:]), orders, strict=True)
        )
        return strategies, residual, stays_close

    strategies, residual, stays_close = jax.vmap(with_derivatives)(
        lax.stop_gradient(followed[back]), precisions
    )
    converged = reached[back] & (residual <= tolerance) & stays_close
    return QuantalResponse(
        precisions,
        tuple(jnp.where(converged[:, None], s, jnp.nan) for s in strategies),
        residual,
        converged,
        steps,
    )


def is_root(gaps: Float[Array, " unknowns"], z: Float[Array, " _"]) -> Bool[Array, ""]:
    """Whether the equations hold up to rounding errors; Newton's step is then set to 0.

    At such a point the Jacobian may be singular, and the computed step may not be finite.
    """
    return jnp.abs(gaps).max(initial=0.0) <= 4 * jnp.finfo(z.dtype).eps * (1 + jnp.abs(z).max(initial=0.0))


def follow_branch(
    payoffs: Payoffs, targets: Float[Array, " precisions"], max_steps: Any
) -> tuple[Float[Array, "precisions unknowns"], Bool[Array, " precisions"], Int[Array, ""]]:
    """Follow the principal branch from the uniform profile by the method of `principal_branch`.

    A point of the path is `(log odds, precision)`. If a step would pass the next target, the correction is
    made with the precision fixed at the target, and the point is recorded instead of moving there. A step
    that fails is halved.

    Args:
        payoffs: the game.
        targets: the precisions, ascending.
        max_steps: the largest number of attempted steps.

    Returns:
        The log odds where the branch first reaches each target, whether it does, and the number of steps.
    """
    unknowns = sum(a - 1 for a in payoffs.shape[1:])
    dtype = payoffs.dtype
    upward = jnp.zeros(unknowns + 1, dtype).at[-1].set(1.0)  # the direction of increasing precision

    def f(x):
        return equations(x[:-1], x[-1], payoffs)

    def newton(x, border):
        """Newton's step orthogonal to the border, the unit tangent in its direction, and the orientation."""
        gaps = f(x)
        right = jnp.stack([jnp.append(gaps, 0.0), upward], axis=1)
        solutions, orientation = eliminate(
            jnp.concatenate([derivatives(x[:-1], x[-1], payoffs), border[None, :]]), right
        )
        t = solutions[:, 1]
        return jnp.where(is_root(gaps, x), 0.0, solutions[:, 0]), t / jnp.linalg.norm(t), orientation

    def advance(state):
        x, t, orientation, length, k, found, reached, steps = state
        target = targets[k]
        reaches_target = x[-1] + length * t[-1] >= target
        length_taken = jnp.where(
            reaches_target, (target - x[-1]) / jnp.where(reaches_target & (t[-1] > 0), t[-1], 1.0), length
        )
        y, border = x + length_taken * t, jnp.where(reaches_target, upward, t)
        y = jnp.where(reaches_target, y.at[-1].set(target), y)

        def correct(carry, _):
            step, next_tangent, next_orientation = newton(carry[0], border)
            return (carry[0] - step, next_tangent, next_orientation), jnp.linalg.norm(step)

        (y, next_tangent, next_orientation), (first, second, third) = lax.scan(
            correct, (y, t, orientation), None, length=3
        )
        noise = 64 * jnp.finfo(dtype).eps * jnp.abs(y).max()
        good = (
            jnp.isfinite(y).all()
            & (first <= LARGEST_CORRECTION)
            & (second <= 0.5 * first + 1e-3 + noise)
            & (third <= 1e-3 + noise)
        )
        same_branch = (next_tangent @ t > 0.8) & (
            (next_orientation == orientation) | (length <= CROSSING_LENGTH + noise)
        )  # False if the tangent is not finite
        good &= reaches_target | ((y[-1] <= target) & same_branch)
        recorded, moved = good & reaches_target, good & ~reaches_target
        stretch = jnp.clip(jnp.sqrt(TARGET_CORRECTION / jnp.maximum(first, 1e-12)), 0.5, 2.0)
        length = jnp.where(good, jnp.where(moved, length * stretch, length), length_taken / 2)
        return (
            jnp.where(moved, y, x),
            jnp.where(moved, next_tangent, t),
            jnp.where(moved, next_orientation, orientation),
            length,
            k + recorded,
            jnp.where(recorded, found.at[k].set(y[:-1]), found),
            jnp.where(recorded, reached.at[k].set(True), reached),
            steps + 1,
        )

    def unfinished(state):
        x, _, _, length, k, _, _, steps = state
        shortest = (
            SHORTEST_STEP + 4 * jnp.finfo(dtype).eps * jnp.abs(x).max()
        )  # shorter steps are within rounding
        return (k < len(targets)) & (steps < max_steps) & (length > shortest)

    start = jnp.zeros(unknowns + 1, dtype)
    next_tangent = upward - jnp.append(
        f(upward), 0.0
    )  # the derivative at precision 0, from the action values of the uniform profile
    state = (
        start,
        next_tangent / jnp.linalg.norm(next_tangent),
        jnp.ones((), dtype),
        jnp.asarray(FIRST_STEP, dtype),
        jnp.asarray(0),
        jnp.zeros((len(targets), unknowns), dtype),
        jnp.zeros(len(targets), bool),
        jnp.asarray(0),
    )
    *_, found, reached, steps = lax.while_loop(unfinished, advance, state)
    return found, reached, steps


def logits(odds: Float[Array, " unknowns"], actions: tuple[int, ...]) -> Profile:
    """Each player's logits: the log odds relative to the last action, and 0 for that action."""
    ends = [sum(a - 1 for a in actions[: i + 1]) for i in range(len(actions))]
    return tuple(jnp.append(odds[end - a + 1 : end], 0.0) for a, end in zip(actions, ends, strict=True))


def probabilities(odds: Float[Array, " unknowns"], actions: tuple[int, ...]) -> Profile:
    """Each player's strategy from the log odds relative to the last action."""
    return tuple(jax.nn.softmax(own) for own in logits(odds, actions))


def move_likeliest_last(
    odds: Float[Array, " unknowns"], actions: tuple[int, ...]
) -> tuple[tuple[Int[Array, " _"], ...], Float[Array, " unknowns"]]:
    """Exchange each player's likeliest action with its last one, and convert the log odds.

    Log odds relative to an unlikely action are large, and their differences lose digits.

    Returns:
        For each player the permutation that exchanges the likeliest action with the last, and the log odds in
        the new order.
    """
    orders, moved = [], []
    for own in logits(odds, actions):
        best, last = jnp.argmax(own), len(own) - 1
        order = jnp.arange(len(own)).at[best].set(last).at[last].set(best)
        orders.append(order)
        moved.append((own[order] - own[best])[:-1])
    return tuple(orders), jnp.concatenate(moved)


def reorder(payoffs: Payoffs, orders: tuple[Int[Array, " _"], ...]) -> Payoffs:
    """The payoffs with each player's actions in another order."""
    for player, order in enumerate(orders):
        payoffs = jnp.take(payoffs, order, axis=player + 1)
    return payoffs


def equations(
    odds: Float[Array, " unknowns"], precision: Float[Array, ""], payoffs: Payoffs
) -> Float[Array, " unknowns"]:
    """The log odds minus those of the logit response to them."""
    values = action_values(payoffs, probabilities(odds, payoffs.shape[1:]))
    return odds - precision * jnp.concatenate([v[:-1] - v[-1] for v in values])


def derivatives(
    odds: Float[Array, " unknowns"], precision: Float[Array, ""], payoffs: Payoffs
) -> Float[Array, "unknowns _"]:
    """The Jacobian of `equations`: derivatives by the log odds and, in the last column, by the precision.

    Written out, it is twice as fast as `jax.jacfwd`.
    """
    strategies = probabilities(odds, payoffs.shape[1:])
    values = action_values(payoffs, strategies)
    rows = []
    for i, (table, v) in enumerate(zip(payoffs, values, strict=True)):
        blocks = []
        for j, own in enumerate(strategies):
            if i == j:
                blocks.append(jnp.eye(len(own) - 1, dtype=odds.dtype))
                continue
            cross = table
            for other in reversed(range(len(strategies))):
                if other not in (i, j):
                    cross = contract(cross, strategies[other], other)
            cross = cross if i < j else cross.T
            relative = cross[:-1] - cross[-1:]
            gain = (v[:-1] - v[-1])[:, None]
            blocks.append(-precision * ((relative - gain) * own[None, :])[:, :-1])
        rows.append(jnp.concatenate([*blocks, (v[-1] - v[:-1])[:, None]], axis=1))
    return jnp.concatenate(rows)


def response_gap(
    odds: Float[Array, " unknowns"], precision: Float[Array, ""], payoffs: Payoffs
) -> Float[Array, ""]:
    """The largest difference between a probability and the logit response to the other players."""
    strategies = probabilities(odds, payoffs.shape[1:])
    responses = [jax.nn.softmax(precision * (v - v.max())) for v in action_values(payoffs, strategies)]
    return jnp.max(jnp.stack([jnp.abs(s - r).max() for s, r in zip(strategies, responses, strict=True)]))
