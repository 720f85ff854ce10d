r"""Evolutionary dynamics of normal-form games as differential equations: replicator and logit, of one population or of one per player.

Integrated by diffrax's Tsit5 with adaptive steps, under jit and vmap; a failure is data: `ok`, and the number
of rejected steps.
"""

import abc
from collections.abc import Callable
from typing import Any

import equinox as eqx
import jax
import jax.numpy as jnp
from jaxtyping import Array, ArrayLike, Bool, Float, Int

from games.checks import check_count, check_range, floating, numeric_array, shown
from games.compiler import filter_jit
from games.registry import Entry, Registry, first_line
from solvers.payoffs_jax import (
    Profile,
    action_values,
    as_payoffs,
    as_start,
    contract,
    dot,
    in_default_precision,
)

Strategy = Float[Array, " actions"]

FLOWS = Registry("flow")
"""Evolutionary dynamics; an entry's `make(**settings)` is one for `evolve` and `evolve_population`."""


class Flow(eqx.Module):
    """How the shares of a population move under the payoffs of its actions; integrated in coordinates of its own."""

    def coordinates(self, shares: Strategy) -> Strategy:
        """What is integrated."""
        return shares

    def shares(self, coordinates: Strategy) -> Strategy:
        """The shares at given coordinates."""
        return coordinates

    @abc.abstractmethod
    def velocity(self, shares: Strategy, values: Strategy) -> Strategy:
        """How the coordinates move where the actions earn `values`."""


class Path(eqx.Module):
    """A solution of a flow.

    Args:
        times: where the solution is given.
        profile: everybody's shares at these times, each `(times, actions)`; infinite or NaN after a failure.
        ok: whether the integration reached the last time with finite shares.
        speed: how fast the fastest share moves at the last time; 0 at a rest point.
        accepted: steps taken.
        rejected: steps tried and rejected for their error.
    """

    times: Float[Array, " times"]
    profile: tuple[Float[Array, "times actions"], ...]
    ok: Bool[Array, ""]
    speed: Float[Array, ""]
    accepted: Int[Array, ""]
    rejected: Int[Array, ""]


def evolve(
    payoffs: Any,
    flow: Flow,
    start: Any,
    times: Any,
    tolerance: ArrayLike | None = None,
    max_steps: int = 4096,
) -> Path:
    r"""Integrate a flow of one population per player.

    Args:
        payoffs: those of a game, `(n, A1, ..., An)`, or a `games.MatrixGame`; a family of games is a
            `jax.vmap` over it.
        flow: a member of `FLOWS`.
        start: everybody's shares at the first time; they sum to 1.
        times: in order.
        tolerance: relative and absolute error of a step in the flow's coordinates; by default 1e-9 in
            float64, 1e-6 in float32.
        max_steps: after so many steps, accepted or not, the integration has failed.

    Raises:
        ValueError: for payoffs of the wrong shape or not finite, a start of the wrong shape or off the
            simplex, fewer than two times or times that decrease.

    Example:
        >>> dilemma = jnp.array([[[3.0, 0.0], [5.0, 1.0]], [[3.0, 5.0], [0.0, 1.0]]])
        >>> path = evolve(dilemma, Replicator(), ([0.9, 0.1], [0.9, 0.1]), [0.0, 10.0])
        >>> bool(path.ok), path.profile[0][-1].round(3).tolist()
        (True, [0.0, 1.0])
    """
    payoffs = as_payoffs(payoffs)
    return integrated(payoffs, flow, start, payoffs.shape[1:], times, tolerance, max_steps)


def evolve_population(
    row: Any, flow: Flow, start: Any, times: Any, tolerance: ArrayLike | None = None, max_steps: int = 4096
) -> Path:
    r"""Integrate a flow of one population that plays a symmetric game against itself, action a earning $(A x)_a$.

    Args:
        row: `(actions, actions)`, $A$, what the row player of the symmetric game earns.
        flow: a member of `FLOWS`.
        start: the shares at the first time; they sum to 1.
        times: in order.
        tolerance: relative and absolute error of a step in the flow's coordinates; by default 1e-9 in
            float64, 1e-6 in float32.
        max_steps: after so many steps, accepted or not, the integration has failed.

    Raises:
        ValueError: for a matrix that is not square or not finite, a start of the wrong shape or off the
            simplex, fewer than two times or times that decrease.

    Example:
        >>> hawks_and_doves = [[-1.0, 4.0], [0.0, 2.0]]
        >>> evolve_population(hawks_and_doves, Replicator(), [0.1, 0.9], [0.0, 50.0]).profile[0][-1].round(3).tolist()
        [0.667..., 0.333...]
    """
    row = in_default_precision(numeric_array("The payoffs", row))
    if row.ndim != 2 or row.shape[0] != row.shape[1] or not row.size:
        raise ValueError(
            f"The payoffs have shape {row.shape}; a population that plays against itself needs a square matrix."
        )
    return integrated(row, flow, (start,), row.shape[:1], times, tolerance, max_steps)


def integrated(
    payoffs: Float[Array, "..."],
    flow: Flow,
    start: Any,
    actions: tuple[int, ...],
    times: Any,
    tolerance: Any,
    max_steps: int,
) -> Path:
    """Check the rest of what `evolve` and `evolve_population` share, and integrate."""
    if not isinstance(flow, Flow):
        raise ValueError(
            f"flow is {shown(flow)}; it must be one that is made, such as FLOWS.make('replicator')."
        )
    check_count("max_steps", max_steps)
    start = as_start(start, payoffs, actions)
    times = numeric_array("times", times).astype(payoffs.dtype)
    if times.ndim != 1 or len(times) < 2:
        raise ValueError(f"times has shape {times.shape}; give at least two, the first being the start's.")
    check_range("A step between times", jnp.diff(times), 0.0)
    if tolerance is None:
        tolerance = 1e-9 if payoffs.dtype == jnp.float64 else 1e-6
    check_range("tolerance", tolerance, float(jnp.finfo(payoffs.dtype).tiny))
    return solve(
        payoffs, in_default_precision(flow), start, times, jnp.asarray(tolerance, payoffs.dtype), max_steps
    )


@filter_jit
def solve(payoffs: Array, flow: Flow, start: Profile, times: Array, tolerance: Array, max_steps: int) -> Path:
    """The path, by diffrax."""
    import diffrax
    import optimistix

    def field(_: Any, coordinates: Profile, payoffs: Array) -> Profile:
        shares = tuple(flow.shares(c) for c in coordinates)
        values = (contract(payoffs, shares[0], 1),) if len(shares) == 1 else action_values(payoffs, shares)
        return tuple(flow.velocity(s, v) for s, v in zip(shares, values, strict=True))

    solution = diffrax.diffeqsolve(
        diffrax.ODETerm(field),
        diffrax.Tsit5(),
        t0=times[0],
        t1=times[-1],
        dt0=None,
        y0=tuple(flow.coordinates(s) for s in start),
        args=payoffs,
        saveat=diffrax.SaveAt(ts=times),
        stepsize_controller=diffrax.PIDController(rtol=tolerance, atol=tolerance, norm=optimistix.max_norm),
        max_steps=max_steps,
        throw=False,
    )
    profile = jax.tree.map(jax.vmap(flow.shares), solution.ys)
    end = jax.tree.map(lambda c: c[-1], solution.ys)
    moving = [
        jax.jvp(flow.shares, (c,), (v,))[1] for c, v in zip(end, field(None, end, payoffs), strict=True)
    ]
    finite = jnp.stack([jnp.isfinite(s).all() for s in profile]).all()
    return Path(
        times,
        profile,
        (solution.result == diffrax.RESULTS.successful) & finite,
        jnp.stack([abs(m).max() for m in moving]).max(),
        solution.stats["num_accepted_steps"],
        solution.stats["num_rejected_steps"],
    )


def entered(name: str, citation: str, *aliases: str) -> Callable[[type[Flow]], type[Flow]]:
    """Enter a flow in `FLOWS`, with the first line of its docstring."""

    def enter(flow: type[Flow]) -> type[Flow]:
        FLOWS.add(Entry(name, flow, first_line(flow), citation, aliases))
        return flow

    return enter


@entered("replicator", "taylor1978stable")
class Replicator(Flow):
    r"""Shares grow by what their action earns above the average, $\dot x_a = x_a (u_a - x \cdot u)$.

    Integrated as $\log x$, so that shares stay positive however small; a share of 0 stays 0 (Taylor & Jonker
    1978).
    """

    def coordinates(self, shares: Strategy) -> Strategy:
        """Logarithms; for a share of 0, one so low that nothing brings it back."""
        return jnp.where(shares > 0, jnp.log(jnp.where(shares > 0, shares, 1)), -1e30)

    def shares(self, coordinates: Strategy) -> Strategy:
        """Normalized exponentials."""
        return jax.nn.softmax(coordinates)

    def velocity(self, shares: Strategy, values: Strategy) -> Strategy:
        """The growth rates."""
        return values - dot(shares, values)


@entered("logit", "fudenberg1998theory", "smoothed_best_response")
class Logit(Flow):
    r"""Shares move to the logit response, $\dot x = \mathrm{softmax}(\lambda u) - x$ (Fudenberg & Levine 1998; Hopkins 1999).

    Rest points are the quantal response equilibria of the same precision.

    Args:
        precision: $\lambda \ge 0$, per payoff unit.
    """

    precision: Float[Array, ""] = eqx.field(converter=floating, default=1.0)

    def __check_init__(self):
        check_range("precision", self.precision, 0.0)

    def velocity(self, shares: Strategy, values: Strategy) -> Strategy:
        """See the class."""
        return jax.nn.softmax(self.precision * values) - shares
