"""Logit quantal response equilibria on the principal branch, batched and differentiable in the payoffs."""

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
from solvers.base import listing, short
from solvers.n_player.homotopy import CROSSING, FARTHEST, FIRST_STEP, USUAL
from solvers.payoffs_jax import Payoffs, Profile, action_values, as_payoffs, contract

LEAST_STEP = 1e-9
"""Shorter steps are given up."""


class QuantalResponse(eqx.Module):
    """Logit quantal response equilibria of a game, one per precision.

    Args:
        precisions: in the order asked for.
        strategies: per player `(precisions, actions)`; NaN where not converged.
        residual: the largest difference between a probability and the logit response to the others,
            recomputed.
        converged: whether the branch was followed to this precision and the residual is within tolerance.
        steps: how many steps of the path were tried.
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
                short(entry["precision"]),
                *(listing([short(p) for p in own]) for own in entry["profile"]),
                short(entry["residual"]),
                entry["status"],
            ]
            for entry in self.as_json()
        ]
        return f"{head}\n{text_table(columns, rows)}"

    def as_json(self) -> list[dict[str, Any]]:
        """Plain data, one entry per precision; for a result without batch axes."""
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
    r"""Logit quantal response equilibria (McKelvey & Palfrey 1995) where the principal branch first reaches each precision.

    $\sigma_{ia} = \exp(\lambda u_{ia}(\sigma)) / \sum_b \exp(\lambda u_{ib}(\sigma))$

    The branch is followed from the uniform profile at $\lambda = 0$ by predictor and corrector along its arc,
    backward bends included (Turocy 2005). It goes straight on where a symmetric game's branches cross.
    Derivatives with respect to payoffs and precisions, to any order and in both modes, follow from the
    implicit function theorem; they are not finite where the branch turns. The function works under `jit` and
    `vmap`; the linear systems are eliminated without LAPACK. Of random games, float32 follows all but a few
    in ten thousand to hundreds over the payoff range, float64 all to a million. Where branches cross, as
    those of symmetric games do, rounding in float32 can lead onto another branch (chicken's pure one, say),
    which solves the equations as well: use float64 for symmetric games.

    Args:
        game: a `MatrixGame`, payoffs `(n, A1, ..., An)`, traced or not, or a pair of payoff matrices.
        precisions: $\lambda$, at least 0, in units of 1 over payoff, in any order.
        max_steps: after how many steps the path is given up.
        tolerance: the largest residual of a converged profile; by default the square root of the machine
            precision.

    Raises:
        ValueError: for payoffs or precisions that are no finite numbers, or of the wrong shape.

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
        raise ValueError(f"The precisions have shape {precisions.shape}; give a list of at least one.")
    if tolerance is None:
        tolerance = float(jnp.finfo(payoffs.dtype).eps) ** 0.5
    return on_principal_branch(payoffs, precisions, max_steps, tolerance)


@jit
def on_principal_branch(
    payoffs: Payoffs, precisions: Float[Array, " precisions"], max_steps: Any, tolerance: Any
) -> QuantalResponse:
    """The branch is followed without derivatives; these are attached to its points by the implicit function theorem."""
    held, order = lax.stop_gradient(payoffs), jnp.argsort(lax.stop_gradient(precisions))
    axes = tuple(range(1, held.ndim))
    base = held.min(
        axis=axes, keepdims=True
    )  # differences of one player's payoffs are all that matters, in one unit for everybody
    spread = (held - base).max()
    spread = jnp.where(spread > 0, spread, 1.0)
    unit = (held - base) / spread
    followed, reached, steps = follow(unit, (lax.stop_gradient(precisions) * spread)[order], max_steps)
    back = jnp.argsort(order)

    def attach(landed, precision):
        orders, start = likeliest_last(landed, payoffs.shape[1:])
        table, fixed = reordered(payoffs, orders), lax.stop_gradient(precision)
        seen = lax.stop_gradient(table)

        def polish(_, z):
            gaps = equations(z, fixed, seen)
            return z - jnp.where(
                holds(gaps, z), 0.0, eliminate(derivatives(z, fixed, seen)[:, :-1], gaps[:, None])[0][:, 0]
            )

        z = lax.custom_root(
            lambda z: equations(z, precision, table),
            start,
            lambda _, z: lax.fori_loop(0, 3, polish, z),
            lambda g, y: solve(jax.jacfwd(g)(y), y),
        )
        found = lax.stop_gradient(z)
        residual, stayed = response_gap(found, fixed, seen), (jnp.abs(found - start) <= 1e-2).all()
        strategies = tuple(
            own[order] for own, order in zip(probabilities(z, payoffs.shape[1:]), orders, strict=True)
        )
        return strategies, residual, stayed

    strategies, residual, stayed = jax.vmap(attach)(lax.stop_gradient(followed[back]), precisions)
    converged = reached[back] & (residual <= tolerance) & stayed
    return QuantalResponse(
        precisions,
        tuple(jnp.where(converged[:, None], s, jnp.nan) for s in strategies),
        residual,
        converged,
        steps,
    )


def holds(gaps: Float[Array, " unknowns"], z: Float[Array, " _"]) -> Bool[Array, ""]:
    """Whether equations hold to the last digits; Newton's method then stays, also where the derivatives are singular."""
    return jnp.abs(gaps).max(initial=0.0) <= 4 * jnp.finfo(z.dtype).eps * (1 + jnp.abs(z).max(initial=0.0))


def follow(
    payoffs: Payoffs, targets: Float[Array, " precisions"], max_steps: Any
) -> tuple[Float[Array, "precisions unknowns"], Bool[Array, " precisions"], Int[Array, ""]]:
    """The log odds where the branch from the uniform profile first reaches each of ascending precisions, and whether it did.

    A point of the path is `(odds, precision)`. A step goes along the tangent and is corrected at right angles
    to it; where it would pass the next target, that is tried from where the path stands, with the precision
    fixed. If either fails, the step is halved. The sign of the determinant of derivatives and tangent is the
    same all along a branch; a step that changes it has come to another branch, and is halved until it is too
    short for anything but a point where branches cross.
    """
    unknowns = sum(a - 1 for a in payoffs.shape[1:])
    dtype = payoffs.dtype
    across = jnp.zeros(unknowns + 1, dtype).at[-1].set(1.0)  # the direction of growing precision

    def f(x):
        return equations(x[:-1], x[-1], payoffs)

    def newton(x, border):
        """The step back to the path along no direction of the border, the unit tangent on its side, and the orientation."""
        gaps = f(x)
        right = jnp.stack([jnp.append(gaps, 0.0), across], axis=1)
        solutions, orientation = eliminate(
            jnp.concatenate([derivatives(x[:-1], x[-1], payoffs), border[None, :]]), right
        )
        t = solutions[:, 1]
        return jnp.where(holds(gaps, x), 0.0, solutions[:, 0]), t / jnp.linalg.norm(t), orientation

    def advance(state):
        x, t, orientation, length, k, found, reached, steps = state
        target = targets[k]
        lands = x[-1] + length * t[-1] >= target
        taken = jnp.where(lands, (target - x[-1]) / jnp.where(lands & (t[-1] > 0), t[-1], 1.0), length)
        y, border = x + taken * t, jnp.where(lands, across, t)
        y = jnp.where(lands, y.at[-1].set(target), y)

        def correct(carry, _):
            step, ahead, turned = newton(carry[0], border)
            return (carry[0] - step, ahead, turned), jnp.linalg.norm(step)

        (y, ahead, turned), (first, second, third) = lax.scan(correct, (y, t, orientation), None, length=3)
        noise = 64 * jnp.finfo(dtype).eps * jnp.abs(y).max()
        good = (
            jnp.isfinite(y).all()
            & (first <= FARTHEST)
            & (second <= 0.5 * first + 1e-3 + noise)
            & (third <= 1e-3 + noise)
        )
        same = (ahead @ t > 0.8) & (
            (turned == orientation) | (length <= CROSSING + noise)
        )  # false for a tangent that is not finite
        good &= lands | ((y[-1] <= target) & same)
        recorded, moved = good & lands, good & ~lands
        stretch = jnp.clip(jnp.sqrt(USUAL / jnp.maximum(first, 1e-12)), 0.5, 2.0)
        length = jnp.where(good, jnp.where(moved, length * stretch, length), taken / 2)
        return (
            jnp.where(moved, y, x),
            jnp.where(moved, ahead, t),
            jnp.where(moved, turned, orientation),
            length,
            k + recorded,
            jnp.where(recorded, found.at[k].set(y[:-1]), found),
            jnp.where(recorded, reached.at[k].set(True), reached),
            steps + 1,
        )

    def unfinished(state):
        x, _, _, length, k, _, _, steps = state
        shortest = LEAST_STEP + 4 * jnp.finfo(dtype).eps * jnp.abs(x).max()  # shorter ones drown in rounding
        return (k < len(targets)) & (steps < max_steps) & (length > shortest)

    start = jnp.zeros(unknowns + 1, dtype)
    ahead = across - jnp.append(
        f(across), 0.0
    )  # at precision 0 the odds follow the gains of the uniform profile
    state = (
        start,
        ahead / jnp.linalg.norm(ahead),
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
    """Everybody's log odds against their last action, that one's 0 included."""
    ends = [sum(a - 1 for a in actions[: i + 1]) for i in range(len(actions))]
    return tuple(jnp.append(odds[end - a + 1 : end], 0.0) for a, end in zip(actions, ends, strict=True))


def probabilities(odds: Float[Array, " unknowns"], actions: tuple[int, ...]) -> Profile:
    """Everybody's strategy from their log odds against their last action."""
    return tuple(jax.nn.softmax(own) for own in logits(odds, actions))


def likeliest_last(
    odds: Float[Array, " unknowns"], actions: tuple[int, ...]
) -> tuple[tuple[Int[Array, " _"], ...], Float[Array, " unknowns"]]:
    """Orders of the actions that exchange everybody's likeliest with the last, and the log odds in these orders.

    Log odds against an unlikely action are large, so that their differences lose digits.
    """
    orders, moved = [], []
    for own in logits(odds, actions):
        best, last = jnp.argmax(own), len(own) - 1
        order = jnp.arange(len(own)).at[best].set(last).at[last].set(best)
        orders.append(order)
        moved.append((own[order] - own[best])[:-1])
    return tuple(orders), jnp.concatenate(moved)


def reordered(payoffs: Payoffs, orders: tuple[Int[Array, " _"], ...]) -> Payoffs:
    """The payoffs with everybody's actions in another order."""
    for player, order in enumerate(orders):
        payoffs = jnp.take(payoffs, order, axis=player + 1)
    return payoffs


def equations(
    odds: Float[Array, " unknowns"], precision: Float[Array, ""], payoffs: Payoffs
) -> Float[Array, " unknowns"]:
    """How far the log odds are from the logit response to themselves."""
    values = action_values(payoffs, probabilities(odds, payoffs.shape[1:]))
    return odds - precision * jnp.concatenate([v[:-1] - v[-1] for v in values])


def derivatives(
    odds: Float[Array, " unknowns"], precision: Float[Array, ""], payoffs: Payoffs
) -> Float[Array, "unknowns _"]:
    """Of the equations, with respect to the log odds and, last, the precision; written out, as it runs twice as fast as `jax.jacfwd`."""
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
    """The largest difference between a probability and the logit response to the others."""
    strategies = probabilities(odds, payoffs.shape[1:])
    responses = [jax.nn.softmax(precision * (v - v.max())) for v in action_values(payoffs, strategies)]
    return jnp.max(jnp.stack([jnp.abs(s - r).max() for s, r in zip(strategies, responses, strict=True)]))
