"""Derivatives of games, linear solvers and implicit maxima that several learners share."""

from shaping.calculus.consistency import Direction, anticipated
from shaping.calculus.gradients import (
    dot,
    interaction,
    jacobian_product,
    jacobian_transposed_product,
    shaping_terms,
    simultaneous,
)

__all__ = [
    "Direction",
    "anticipated",
    "dot",
    "interaction",
    "jacobian_product",
    "jacobian_transposed_product",
    "shaping_terms",
    "simultaneous",
]
