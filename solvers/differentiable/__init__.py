"""Differentiable games: Jacobian, fixed points, stability, Stackelberg solutions, basins of attraction."""

from solvers.differentiable.basins import Basins, basins_of_flow, basins_of_map
from solvers.differentiable.classification import Classification, classify
from solvers.differentiable.fixed_point_search import FixedPoint, FixedPoints, fixed_points
from solvers.differentiable.jacobian import (
    GradientField,
    antisymmetric_part,
    eigenvalues,
    field_jacobian,
    game_jacobian,
    simultaneous_gradient,
    symmetric_part,
)
from solvers.differentiable.leader_follower import (
    StackelbergSolution,
    leader_curvature,
    leader_gradient,
    stackelberg,
)

__all__ = [
    "Basins",
    "Classification",
    "FixedPoint",
    "FixedPoints",
    "GradientField",
    "StackelbergSolution",
    "antisymmetric_part",
    "basins_of_flow",
    "basins_of_map",
    "classify",
    "eigenvalues",
    "field_jacobian",
    "fixed_points",
    "game_jacobian",
    "leader_curvature",
    "leader_gradient",
    "simultaneous_gradient",
    "stackelberg",
    "symmetric_part",
]
