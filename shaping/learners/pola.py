"""Proximal learning with opponent-learning awareness."""

import dataclasses
from typing import NamedTuple

import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from games.base import Joint, Own
from games.exact.tables import as_table
from shaping.base import Learner, Scalar, View, choice, number, replaced
from shaping.calculus.implicit_argmax import ascend, maximum


class Progress(NamedTuple):
    """State of the learner: how the proximal problems of its updates were solved.

    Attributes:
        iterations: steps of the ascent in the last update.
        change: how far the last step of that ascent moved the policy.
        solved: whether the last problem was solved within the tolerance.
        unsolved: how many problems have not been solved so far.
    """

    iterations: Int[Array, ""]
    change: Float[Array, ""]
    solved: Bool[Array, ""]
    unsolved: Int[Array, ""]


class Response(NamedTuple):
    """Everybody's parameters after the others' response to the own ones, and whether that response was found."""

    joint: Joint
    found: Bool[Array, ""]


class Pola(Learner):
    r"""Ascend the value after the others' next step, with a penalty on the change of the own policy.

    $$\theta_i \leftarrow \arg\max_\theta V_i(\theta, \theta_{-i}'(\theta)) - \beta\, D(\pi_{\theta_i} \|
    \pi_\theta)$$

    with D the game's divergence, by gradient ascent from $\theta_i$ until a step changes the policy by no
    more than the tolerance. The others' response $\theta_{-i}'$ is differentiated and is

    - `inner="step"` ("outer POLA"): one naive step, $\theta_j' = \theta_j + b\, \nabla_j V_j(\theta, \theta_{-i})$;
    - `inner="proximal"`: $\theta_j' = \arg\max_\phi b\, V_j(\theta, \phi) - D(\pi_{\theta_j} \| \pi_\phi)$, solved to the
      tolerance and differentiated implicitly. The update then depends on the policies alone, not on their
      parameterization.

    The state is a `Progress`, which reports whether the problems were solved. An update can be differentiated
    in forward mode, not in reverse mode. One step of a match is one epoch of the paper and costs up to
    `iterations` updates of LOLA.

    Args:
        lr: rate of the ascent, at least 0; at 0 nothing moves.
        look_ahead: $b$, the others' step size, at least 0; at 0 the others stand still. For `"proximal"` it
            is one over the paper's $\beta_{in}$.
        penalty: $\beta$, at least 0.
        inner: `"step"` or `"proximal"`.
        iterations: the most steps, at least 1, of the ascent and of each inner one.
        tolerance: on the divergence between consecutive policies, in both directions.

    Raises:
        ValueError: for a negative or NaN number, or an unknown `inner`.

    Source:
        Zhao et al. 2022, "Proximal learning with opponent-learning awareness", sections 3.1 (proximal) and
        3.2 (outer POLA). Defaults: the public code's for its tabular policies at contribution factors 1.1,
        1.25 and 1.33.

    Example:
        >>> from games import ipd_contribution
        >>> from shaping import play
        >>> match = play(ipd_contribution(), [Pola()] * 2, steps=2)
        >>> [bool(state.solved.all()) for state in match.states]
        [True, True]
    """

    lr: Scalar = number(0.3)
    look_ahead: Scalar = number(5.0)
    penalty: Scalar = number(0.1)
    inner: str = choice("step", "proximal")
    iterations: Scalar = number(5000.0, minimum=1.0)
    tolerance: Scalar = number(1e-8)

    @property
    def label(self) -> str:
        """What tables call this learner: `pola`, or `pola_proximal` where the inner problem is solved."""
        return "pola" if self.inner == "step" else "pola_proximal"

    def init(self, view: View) -> Progress:
        """No problem so far."""
        return Progress(jnp.zeros((), int), jnp.zeros((), float), jnp.asarray(True), jnp.zeros((), int))

    def update(self, state: Progress, view: View) -> tuple[Own, Progress]:
        """The solution of the proximal problem, minus the own parameters.

        It is computed on arrays, since nested loops over scalars compile slowly.
        """
        scalars = isinstance(view.own, tuple)
        view = dataclasses.replace(view, params=tuple(as_table(p) for p in view.params))
        respond = self.naive_step if self.inner == "step" else self.proximal_step

        def objective(own: Own, last: Response) -> tuple[Scalar, Response]:
            response = respond(view, own, last)
            penalty = self.penalty * divergence(view, view.seat, view.own, own)
            return view.value(response.joint) - penalty, response

        end = ascend(
            objective,
            view.own,
            Response(view.params, jnp.asarray(True)),
            lambda old, new: divergence(view, view.seat, old, new),
            self.lr,
            self.iterations,
            self.tolerance,
        )
        solved = (end.change <= self.tolerance) & end.aux.found
        step = optax.tree.sub(end.x, view.own)
        progress = Progress(end.iterations, end.change, solved, state.unsolved + ~solved)
        return tuple(step) if scalars else step, progress

    def naive_step(self, view: View, own: Own, last: Response) -> Response:
        r"""$\theta_j' = \theta_j + b\, \nabla_j V_j(\theta_i, \theta_{-i})$ for every other player j."""
        return Response(view.look_ahead(view.with_own(own), self.look_ahead), last.found)

    def proximal_step(self, view: View, own: Own, last: Response) -> Response:
        r"""$\theta_j' = \arg\max_\phi b\, V_j(\theta_i, \phi) - D(\pi_{\theta_j} \| \pi_\phi)$ for every other player j.

        The search starts from the previous response.
        """
        here = view.with_own(own)
        joint, found = here, jnp.asarray(True)
        for j in view.others:

            def objective(theirs: Own, j=j) -> Scalar:
                value = self.look_ahead * view.value(replaced(here, j, theirs), j)
                return value - divergence(view, j, view.params[j], theirs)

            theirs, change = maximum(
                objective,
                last.joint[j],
                lambda old, new, j=j: divergence(view, j, old, new),
                self.iterations,
                self.tolerance,
            )
            joint, found = replaced(joint, j, theirs), found & (change <= self.tolerance)
        return Response(joint, found)


def divergence(view: View, player: int, old: Own, new: Own) -> Scalar:
    """The game's divergence of a player's new policy from its old one."""
    return view.game.divergence(player, old, new, view.params, view.key)
