"""Derivatives of games, linear solvers and maxima as implicit functions: the mathematics that learners share."""

from shaping.calculus.consistency import Direction, anticipated
from shaping.calculus.gradients import (
    computed_once,
    interaction,
    jacobian_product,
    jacobian_transposed_product,
    shaping_terms,
    simultaneous,
)

__all__ = [
    "Direction",
    "anticipated",
    "computed_once",
    "interaction",
    "jacobian_product",
    "jacobian_transposed_product",
    "shaping_terms",
    "simultaneous",
]
