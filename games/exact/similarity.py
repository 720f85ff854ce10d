"""A one-shot prisoner's dilemma in which players observe, with noise, how much their policies differ."""

import jax
import jax.numpy as jnp
import numpy as np

from games.checks import check_range
from games.exact.smooth import Smooth


def similarity_losses(x, y, noise, gain):
    """Both players' losses under threshold policies (see `similarity`)."""
    first, second = jax.nn.sigmoid(x), jax.nn.sigmoid(y)
    distance = jnp.abs(first - second)
    c, d = (jnp.clip((threshold - distance) / noise, 0, 1) for threshold in (first, second))
    return -(gain * d + 1 - c), -(gain * c + 1 - d)


def similarity(noise: float = 0.5, gain: float = 2.0, init_std: float = 1.0) -> Smooth:
    r"""The prisoner's dilemma of threshold policies on the observed difference, with exact expectations.

    Player i has one parameter, its threshold $t_i = \sigma(\theta_i)$. It observes $|t_1 - t_2| + z_i$, $z_i$
    uniform on $[0, \epsilon]$, and cooperates iff that is at most $t_i$: $c_i = \mathrm{clip}((t_i - |t_1 -
    t_2|)/\epsilon, 0, 1)$. The dilemma `[[G, 0], [G+1, 1]]` pays $V_i = G c_j + 1 - c_i$. This is linear in
    each probability, so independent noise and common noise give the same values (Oesterheld et al. 2023).

    Args:
        noise: $\epsilon$, positive; a policy has a gradient only for differences in an interval of this
            width.
        gain: G, at least 1.
        init_std: standard deviation of the initial parameters, at least 0.

    Raises:
        ValueError: for a number out of range.

    Example:
        >>> similarity().values((jnp.zeros(1), jnp.zeros(1))).tolist()
        [2.0, 2.0]
    """
    check_range("noise", noise, float(np.finfo(np.float32).tiny))
    check_range("gain", gain, 1.0)
    return Smooth(similarity_losses, (noise, gain), name="similarity_dilemma", init_std=init_std)
