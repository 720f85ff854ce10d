"""What gradients through a match learn against a naive learner of the iterated prisoner's dilemma, with and without the peer term."""

import pytest

from games import ipd
from shaping import Naive, play
from shaping.training import MmamlTrainer, run


def earned(learner, steps):
    """The mean over the policies of matches from fresh draws."""
    return float(play(ipd(), [learner, Naive()], 1000, steps=steps - 1, seeds=256).values[..., 0].mean())


@pytest.mark.slow
@pytest.mark.parametrize("steps", [8, 100])
def test_the_peer_term_is_what_exploits_a_naive_learner(steps):
    """Meta-MAPG extorts; Meta-PG, for which the peers' path is given, ends where two naive learners end: in mutual defection, -2."""
    learners = {
        terms: run(
            MmamlTrainer(ipd(), [None, Naive()], steps=steps, terms=terms), iterations=1000, chunk=100
        ).learners[0]
        for terms in ("all", "own")
    }
    found = {name: earned(learner, steps) for name, learner in ({"naive": Naive()} | learners).items()}
    assert found["own"] > found["naive"] - 0.01
    assert found["all"] > found["own"] + 1
    assert earned(learners["own"], 100) == pytest.approx(-2, abs=0.03)
