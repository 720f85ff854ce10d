"""Learning with opponent-learning awareness."""

import jax
import optax
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, Scalar, View, choice, count, number
from shaping.calculus.gradients import interaction, shaping_terms, simultaneous


class Lola(Learner):
    r"""Ascend the value after the others' next naive step.

    Three updates $\theta_i \leftarrow \theta_i + a\, d_i$ have this name. With $\xi_j = \nabla_j V_j$, their
    directions $d_i$ are

    - `"exact"`: $\nabla_i V_i(\theta_i, \theta_{-i} + b\, \xi_{-i}(\theta))$, the exact derivative of the anticipated value; with
      `steps=k`, after k naive steps. On a sampled game this is LOLA-DiCE (Foerster et al. 2018b; POLA's
      "actual update", Zhao et al. 2022);
    - `"taylor"`: $\nabla_i [V_i + b \sum_j \langle \nabla_j V_i, \xi_j \rangle] = [\xi + b\, (H_o \xi + \chi)]_i$, both factors
      differentiated (Letcher et al. 2019; the LOLA opponent of M-FOS);
    - `"original"`: the same with $\nabla_j V_i$ held constant, $[\xi + b\, \chi]_i$: only the shaping term is added (Foerster et
      al. 2018a).

    Args:
        lr: own step size $a$, at least 0.
        look_ahead: $b$, the anticipated step size of the others, at least 0; at 0 this is the naive learner.
        variant: `"exact"`, `"taylor"` or `"original"`.
        steps: number of anticipated steps of the others, for the exact variant.

    Raises:
        ValueError: for a negative or NaN number, an unknown variant, or `steps` with a variant other than
            `"exact"`.

    Source:
        Foerster et al. 2018a, "Learning with opponent-learning awareness"; Foerster et al. 2018b, "DiCE: the
        infinitely differentiable Monte Carlo estimator"; Letcher et al. 2019, "Stable opponent shaping in
        differentiable games".

    Example:
        >>> from games import tandem
        >>> from shaping import play
        >>> play(tandem(), [Lola(lr=0.1)] * 2, steps=2).values.shape
        (1, 3, 2)
    """

    lr: Scalar = number(1.0)
    look_ahead: Scalar = number(1.0)
    variant: str = choice("exact", "taylor", "original")
    steps: int = count(1)

    def __check_init__(self):
        if self.steps != 1 and self.variant != "exact":
            raise ValueError(
                f"Lola: steps is {self.steps}, but only variant='exact' looks more than 1 step ahead."
            )

    @property
    def label(self) -> str:
        """What tables call this learner: `lola`, or `lola_` and the variant for the other two."""
        return "lola" if self.variant == "exact" else f"lola_{self.variant}"

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The gradient of the anticipated value, scaled."""
        direction = self.exact(view) if self.variant == "exact" else self.first_order(view)
        return optax.tree.scale(self.lr, direction), state

    def exact(self, view: View) -> Own:
        """The exact gradient of the value after the others' steps."""
        return jax.grad(
            lambda own: view.value(view.look_ahead(view.with_own(own), self.look_ahead, self.steps))
        )(view.own)

    def first_order(self, view: View) -> Own:
        r"""$[\xi + b\, (H_o \xi + \chi)]_i$ for `"taylor"`, $[\xi + b\, \chi]_i$ for `"original"`."""
        xi = simultaneous(view, view.params)
        terms = shaping_terms(view, view.params)
        if self.variant == "taylor":
            terms = optax.tree.add(terms, interaction(view, view.params, xi))
        return optax.tree.add_scale(xi, self.look_ahead, terms)[view.seat]
