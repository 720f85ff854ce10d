"""Freeze what the axelrod library says of memory-one strategies into axelrod.json.

    pip install "axelrod==4.14.0" --no-deps
    pip install cloudpickle dask fsspec matplotlib numpy pandas pyarrow pyyaml scipy toolz tqdm
    python tests/data/make_axelrod.py

The file holds the play of pairs of deterministic strategies, the mean total score of pairs that end each turn
with probability 1/10, and the vectors and parameters of the zero-determinant strategies. Of torch, which one
strategy of other kind needs, a stand-in will do.

It also holds the tables of a round robin of all these strategies, without self-play, in matches that end each turn
with probability 1/50: mean total scores of every pair, for every strategy the mean over its opponents, and the
standard errors of the leads of these means over each other.
"""

import json
import pathlib
import sys
import types

DETERMINISTIC = ("Cooperator", "Defector", "TitForTat", "SuspiciousTitForTat", "Grudger", "WinStayLoseShift")
STOCHASTIC = (
    "GTFT",
    "FirstByJoss",
    "ZDExtort2",
    "ZDGTFT2",
    "ZDSet2",
    "ZDMischief",
    "ZDExtort3",
    "ZDExtortion",
)
TURNS = 44
MATCHES = 4000
END = 0.02
REPETITIONS = 2000


class StandIn(types.ModuleType):
    """A module whose every attribute is an empty class or another stand-in."""

    def __getattr__(self, name):
        if name.startswith("__"):
            raise AttributeError(name)
        return type(name, (), {}) if name[0].isupper() else StandIn(name)

    def __call__(self, *args, **kwargs):
        return args[0] if args and callable(args[0]) else self


def round_robin(axl, names):
    """Total scores (row, column, repetition) of every strategy against every other; 0 against itself.

    All matches of a repetition have the same seed and so the same length, so that differences of strategies
    vary little.
    """
    import numpy as np

    totals = np.zeros((len(names), len(names), REPETITIONS))
    for i, a in enumerate(names):
        for j, b in enumerate(names[:i]):
            players = [getattr(axl, a)(), getattr(axl, b)()]
            for k in range(REPETITIONS):
                match = axl.Match(players, prob_end=END, seed=1 + k)
                match.play()
                totals[i, j, k], totals[j, i, k] = match.final_score()
    return totals


def main():
    try:
        import torch  # noqa: F401
    except ImportError:
        for name in ("torch", "torch.nn", "torch.nn.functional"):
            sys.modules[name] = StandIn(name)
    import axelrod as axl

    def vector(player):
        """[start, CC, CD, DC, DD] of a memory-one player."""
        return [float(player._initial == axl.Action.C), *(float(player._four_vector[s]) for s in states)]

    c, d = axl.Action.C, axl.Action.D
    states = ((c, c), (c, d), (d, c), (d, d))
    pairs = [(a, b) for i, a in enumerate(DETERMINISTIC) for b in DETERMINISTIC[i:]]
    plays = {}
    for a, b in pairs:
        match = axl.Match((getattr(axl, a)(), getattr(axl, b)()), turns=TURNS)
        plays[f"{a} {b}"] = " ".join(f"{x}{y}" for x, y in match.play())
    vectors, parameters = {}, {}
    for name in STOCHASTIC:
        player = getattr(axl, name)()
        vectors[name] = vector(player)
        if hasattr(player, "phi"):
            parameters[name] = {"s": float(player.s), "l": float(player.l), "phi": float(player.phi)}
    ending = {}
    for i, (a, b) in enumerate(zip(STOCHASTIC, (*STOCHASTIC[3:], *STOCHASTIC[:3]), strict=True)):
        players = [getattr(axl, a)(), getattr(axl, b)()]
        totals = []
        for k in range(MATCHES):
            match = axl.Match(players, prob_end=0.1, seed=1000 * i + k + 1)
            match.play()
            totals.append(match.final_score())
        mean = [sum(t[j] for t in totals) / MATCHES for j in (0, 1)]
        spread = [
            (sum((t[j] - mean[j]) ** 2 for t in totals) / (MATCHES - 1) / MATCHES) ** 0.5 for j in (0, 1)
        ]
        ending[f"{a} {b}"] = {"mean": mean, "standard_error": spread}
    names = (*DETERMINISTIC, *STOCHASTIC)
    totals = round_robin(axl, names)
    opponents = len(names) - 1
    scores = totals.sum(axis=1) / opponents
    tournament = {
        "end_probability": END,
        "repetitions": REPETITIONS,
        "names": names,
        "payoffs": totals.mean(axis=-1).tolist(),
        "payoff_errors": (totals.std(axis=-1, ddof=1) / REPETITIONS**0.5).tolist(),
        "scores": scores.mean(axis=-1).tolist(),
        "lead_errors": ((scores[:, None] - scores[None]).std(axis=-1, ddof=1) / REPETITIONS**0.5).tolist(),
    }
    frozen = {
        "axelrod": axl.__version__,
        "plays": plays,
        "vectors": vectors,
        "parameters": parameters,
        "end_probability": 0.1,
        "totals": ending,
        "tournament": tournament,
    }
    pathlib.Path(__file__).with_name("axelrod.json").write_text(
        json.dumps(frozen, indent=1) + "\n", encoding="utf-8"
    )


if __name__ == "__main__":
    main()
