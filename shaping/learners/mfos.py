"""Model-free opponent shaping (M-FOS): a policy whose actions are the own parameters."""

import jax
import jax.numpy as jnp
import optax
from jax.flatten_util import ravel_pytree
from jaxtyping import PyTree

from games.base import Own
from shaping.base import Learner, View, choice
from shaping.networks.policies import Gaussian


class Mfos(Learner):
    r"""Play the own parameters that a policy chooses from the current joint parameters.

    $\theta_i \leftarrow \pi(\sigma(\theta_i, \theta_{-i}))$. The step is the policy's choice minus the own
    parameters. Policies are trained by `shaping.training.MfosTrainer`; one trained against some learners
    plays against any.

    Args:
        policy: from probabilities, the player's own first and then the others' by seat, to own parameters.
        acts: `"mode"`, the policy's most probable choice, or `"sample"`, a draw from it, as in training by
            PPO.

    Raises:
        ValueError: when a match starts, if the game's parameters are not as many as the policy's.

    Source:
        Lu et al. 2022, "Model-free opponent shaping", section 3.

    Example:
        >>> from games import ipd
        >>> from shaping import Naive, play
        >>> from shaping.model_free import gaussian
        >>> play(ipd(), [Mfos(gaussian(10, 5, width=8)(jax.random.key(0))), Naive()], steps=2).learners
        ('mfos', 'naive')
    """

    policy: Gaussian
    acts: str = choice("mode", "sample")

    def init(self, view: View) -> PyTree:
        """No state; the policy is checked against the game."""
        own, everybody = ravel_pytree(view.own)[0].size, ravel_pytree(view.params)[0].size
        into, out = (
            self.policy.actor.layers[0].weight.shape[1],
            self.policy.actor.layers[-1].weight.shape[0] // 2,
        )
        if (into, out) != (everybody, own):
            raise ValueError(
                f"Mfos: the policy chooses {out} parameters from {into}, but player {view.seat} of {view.game.name!r} has {own} of "
                f"{everybody}; train one for this game with MfosTrainer."
            )
        return ()

    def update(self, state: PyTree, view: View) -> tuple[Own, PyTree]:
        """The policy's choice minus the own parameters."""
        own, shaped = ravel_pytree(view.own)
        others = [ravel_pytree(view.params[j])[0] for j in view.others]
        seen = jax.nn.sigmoid(jnp.concatenate([own, *others]))
        if self.acts == "sample":
            if view.key is None:
                raise ValueError(
                    "Mfos: acts='sample' draws from the view's key, which is None; let it play in a match, or use acts='mode'."
                )
            chosen = self.policy.act(view.key, seen)[0]
        else:
            chosen = self.policy.mode(seen)
        return optax.tree.sub(shaped(chosen.astype(own.dtype)), view.own), state
