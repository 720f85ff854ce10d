"""Conversion of policy parameters between other codebases' conventions and this laboratory's."""

import dataclasses
from collections.abc import Callable

import jax.numpy as jnp
import numpy as np
from jaxtyping import Array, ArrayLike, Float

from games.checks import as_float, check_range
from games.registry import Entry, Registry

STATES = ("start", "CC", "CD", "DC", "DD")
"""The order of states in this laboratory, own action first."""
MIRRORED = {"CD": "DC", "DC": "CD"}

CONVENTIONS = Registry("convention")


@dataclasses.dataclass(frozen=True)
class Convention:
    """A codebase's order and meaning of the five logits of a memory-one policy, and the units of its values.

    Args:
        name: the codebase.
        order: its order of states, a permutation of `STATES`.
        own_first: whether the first letter of a state is the player's own action, for both players; otherwise
            it is the first player's action.
        sigmoid_means: the action, `"C"` or `"D"`, whose probability is the sigmoid of a logit.
        per_step: whether its learners ascend per-step values instead of returns.
        discount: the discount of its iterated prisoner's dilemma.
        init_std: standard deviation of its initial logits there; None where it has no such initialization.

    Example:
        >>> CONVENTIONS.make("lola").to_lab([1.0, 2.0, 3.0, 4.0, 5.0], seat=1).tolist()
        [5.0, 1.0, 3.0, 2.0, 4.0]
    """

    name: str
    order: tuple[str, ...]
    own_first: bool
    sigmoid_means: str = "C"
    per_step: bool = False
    discount: float = 0.96
    init_std: float | None = 1.0

    def positions(self, seat: int) -> list[int]:
        """Positions of this laboratory's states in the codebase's vector for the player of this seat.

        Raises:
            ValueError: unless the seat is 0 or 1.
        """
        if seat not in (0, 1):
            raise ValueError(f"seat is {seat!r}; the conventions are for two players, so it must be 0 or 1.")
        mirror = {} if self.own_first or seat == 0 else MIRRORED
        return [self.order.index(mirror.get(state, state)) for state in STATES]

    def to_lab(self, logits: ArrayLike, seat: int) -> Float[Array, "*batch 5"]:
        """A player's logits in this laboratory's order and meaning.

        Args:
            logits: logits of the codebase, states along the last axis.
            seat: the player, 0 or 1.

        Raises:
            ValueError: for a seat other than 0 and 1, or a last axis that is not of length 5.
        """
        return self.sign * as_logits(logits)[..., np.array(self.positions(seat))]

    def from_lab(self, logits: ArrayLike, seat: int) -> Float[Array, "*batch 5"]:
        """A player's logits in the codebase's order and meaning, the inverse of `to_lab`."""
        return self.sign * as_logits(logits)[..., np.argsort(self.positions(seat))]

    @property
    def sign(self) -> float:
        """1 if the codebase's logits are of C, -1 if they are of D."""
        return 1.0 if self.sigmoid_means == "C" else -1.0

    def lr_to_lab(self, lr: float, discount: float | None = None) -> float:
        """The step size on returns that is equivalent to a step size of the codebase.

        A step size lr on per-step values is equivalent to $(1 - d)$ lr on returns.

        Args:
            lr: step size of the codebase, at least 0.
            discount: in [0, 1); by default that of the convention.

        Example:
            >>> round(CONVENTIONS.make("meva").lr_to_lab(25.0), 6)
            1.0
        """
        check_range("lr", lr, 0.0)
        discount = self.discount if discount is None else discount
        check_range("discount", discount, 0.0, float(np.nextafter(1, 0)))
        return (1 - discount) * lr if self.per_step else lr


def as_logits(logits: ArrayLike) -> Float[Array, "*batch 5"]:
    """Logits as an array; its last axis must have length 5."""
    array = as_float(jnp.asarray(logits))
    if array.ndim < 1 or array.shape[-1] != len(STATES):
        raise ValueError(
            f"The logits have shape {array.shape}; their last axis must hold the {len(STATES)} states {', '.join(STATES)}."
        )
    return array


def _constant(convention: Convention) -> Callable[[], Convention]:
    return lambda: convention


def _add(
    summary: str,
    citation: str,
    name: str,
    order: str,
    own_first: bool,
    aliases: tuple[str, ...] = (),
    **settings,
) -> None:
    CONVENTIONS.add(
        Entry(
            name,
            _constant(Convention(name, tuple(order.split()), own_first, **settings)),
            summary,
            citation,
            aliases,
        )
    )


_add("SOS notebook", "letcher2019sos", "sos", "start CC CD DC DD", False)
_add("LOLA, exact (TensorFlow)", "foerster2018lola", "lola", "CC CD DC DD start", False)
_add(
    "LOLA-DiCE (PyTorch); a logit is of D",
    "foerster2018dice",
    "lola_dice",
    "start DD DC CD CC",
    True,
    sigmoid_means="D",
    init_std=0.0,
)
_add("POLA, exact", "zhao2022pola", "pola", "DD DC CD CC start", False, init_std=0.1)
_add("M-FOS", "lu2022mfos", "mfos", "start CC CD DC DD", True)
_add(
    "Meta-value learning; ascends per-step values",
    "cooijmans2023meva",
    "meva",
    "start DD DC CD CC",
    True,
    per_step=True,
)
_add("COLA notebook", "willi2022cola", "cola", "start CC CD DC DD", False, init_std=0.1)
_add("Pax", "pax", "pax", "CC CD DC DD start", True, init_std=None)
