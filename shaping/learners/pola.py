"""Proximal learning with opponent-learning awareness."""

import dataclasses
from typing import NamedTuple

import jax
import jax.numpy as jnp
import optax
from jaxtyping import Array, Bool, Float, Int

from games.base import Joint, Own
from games.exact.tables import as_table
from shaping.base import Learner, Scalar, View, choice, number, replaced
from shaping.calculus.implicit_argmax import change, climbed, maximum


class Progress(NamedTuple):
    """How the proximal problems of a match went.

    Attributes:
        iterations: how many the last one took.
        change: how far the behavior moved in its last iteration.
        solved: whether it was solved within the tolerance.
        unsolved: how many have not been, so far.
    """

    iterations: Int[Array, ""]
    change: Float[Array, ""]
    solved: Bool[Array, ""]
    unsolved: Int[Array, ""]


class Pola(Learner):
    r"""Ascend the value one will have after the others' next step, as far as behavior, not parameters, stays close.

    $\theta_i \leftarrow \arg\max_\theta V_i(\theta, \theta_{-i}'(\theta)) - \beta\, D(\pi_{\theta_i} \|
    \pi_\theta)$ with D the game's divergence, by gradient ascent from $\theta_i$ until two iterates are
    closer than the tolerance both ways. The others respond with

    - `inner="step"` ("outer POLA"): one naive step, $\theta_j' = \theta_j + b\, \nabla_j V_j(\theta, \theta_{-i})$, differentiated;
    - `inner="proximal"`: $\theta_j' = \arg\max_\phi b\, V_j(\theta, \phi) - D(\pi_{\theta_j} \| \pi_\phi)$, solved to the
      tolerance and differentiated implicitly. The update then depends on the policies alone, not on how they
      are parameterized.

    The state is a `Progress`: whether the problems were solved is reported there. Forward derivatives pass
    through an update, reverse ones do not. One step of a match is one epoch of the paper and costs up to
    `iterations` updates of LOLA.

    Args:
        lr: rate of the ascent, at least 0; at 0 nothing moves.
        look_ahead: $b$, the others' step, at least 0; at 0 the others stand still. For `"proximal"` it is one
            over the paper's $\beta_{in}$.
        penalty: $\beta$, at least 0.
        inner: `"step"` or `"proximal"`.
        iterations: at most so many, at least 1, of the ascent and of each inner one.
        tolerance: on the divergence of consecutive iterates, both ways.

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
        """No problem met so far."""
        return Progress(jnp.zeros((), int), jnp.zeros((), float), jnp.asarray(True), jnp.zeros((), int))

    def update(self, state: Progress, view: View) -> tuple[Own, Progress]:
        """The way to the solution of the proximal problem; worked out in arrays, which loops of loops compile better than scalars."""
        scalars = isinstance(view.own, tuple)
        view = dataclasses.replace(view, params=tuple(as_table(p) for p in view.params))

        def unfinished(carry):
            k, _, _, moved, _ = carry
            return (k < self.iterations) & (moved > self.tolerance)

        def climb(carry):
            k, own, guess, _, _ = carry
            slope, (guess, found) = jax.grad(self.objective, has_aux=True)(own, view, guess)
            there = climbed(own, self.lr, slope)
            moved = change(lambda old, new: self.distance(view, view.seat, old, new), own, there)
            return k + 1, there, guess, moved, found

        begin = (
            jnp.zeros((), int),
            view.own,
            self.guess(view),
            jnp.asarray(jnp.inf, float),
            jnp.asarray(True),
        )
        k, own, _, moved, found = jax.lax.while_loop(unfinished, climb, begin)
        solved = (moved <= self.tolerance) & found
        step = optax.tree.sub(own, view.own)
        return tuple(step) if scalars else step, Progress(k, moved, solved, state.unsolved + ~solved)

    def objective(
        self, own: Own, view: View, guess: tuple[Own, ...]
    ) -> tuple[Scalar, tuple[tuple[Own, ...], Bool[Array, ""]]]:
        """The proximal objective, with the others' response for a guess of the next one, and whether that response was found."""
        joint, found = self.response(view, own, guess)
        value = view.value(joint) - self.penalty * self.distance(view, view.seat, view.own, own)
        return value, (tuple(joint[j] for j in view.others) if guess else (), found)

    def guess(self, view: View) -> tuple[Own, ...]:
        """Where the search for the others' response begins."""
        return tuple(view.params[j] for j in view.others) if self.inner == "proximal" else ()

    def response(self, view: View, own: Own, guess: tuple[Own, ...]) -> tuple[Joint, Bool[Array, ""]]:
        """Everybody's parameters after the others' response to the own ones, and whether it was found."""
        here = view.with_own(own)
        if self.inner == "step":
            return view.look_ahead(here, self.look_ahead), jnp.asarray(True)
        joint, found = here, jnp.asarray(True)
        for j, start in zip(view.others, guess, strict=True):

            def objective(theirs: Own, j=j) -> Scalar:
                gain = self.look_ahead * view.value(replaced(here, j, theirs), j)
                return gain - self.distance(view, j, view.params[j], theirs)

            theirs, short = maximum(
                objective,
                start,
                lambda old, new, j=j: self.distance(view, j, old, new),
                self.iterations,
                self.tolerance,
            )
            joint, found = replaced(joint, j, theirs), found & (short <= self.tolerance)
        return joint, found

    @staticmethod
    def distance(view: View, player: int, old: Own, new: Own) -> Scalar:
        """The game's divergence of a player's new behavior from its old one."""
        return view.game.divergence(player, old, new, view.params, view.key)
