"""In-the-matrix written a second time, in plain Python on a dictionary of cells, from its rules alone."""

AHEAD = ((1, 0), (0, 1), (-1, 0), (0, -1))
"""Rows and columns a step leads by: down, right, up, left."""


def inside(place):
    return all(0 <= x < 8 for x in place)


def step_ahead(place, heading, steps=1):
    return tuple(min(max(x + steps * d, 0), 7) for x, d in zip(place, AHEAD[heading % 4], strict=True))


def beam(place, heading):
    """The cells that an interaction sweeps."""
    near = tuple(x + d for x, d in zip(place, AHEAD[heading], strict=True))
    sides = [tuple(x + d for x, d in zip(near, AHEAD[(heading + turn) % 4], strict=True)) for turn in (-1, 1)]
    return {step_ahead(place, heading), step_ahead(place, heading, 2)} | {
        side for side in sides if inside(side)
    }


def played(world, actions, payoffs, freeze):
    """What a step does to `{"at", "heading", "held", "coins", "frozen"}`: every world it may lead to, rewards, beams, and whether they met.

    `coins` is `{place: kind}`. Two worlds are possible where both players step into one cell.
    """
    if world["frozen"]:
        actions = (4, 4)
    heading = [(h + {0: 1, 1: -1}.get(a, 0)) % 4 for h, a in zip(world["heading"], actions, strict=True)]
    old = world["at"]
    new = [step_ahead(p, h) if a == 2 else p for p, h, a in zip(old, world["heading"], actions, strict=True)]
    went = [p != q for p, q in zip(old, new, strict=True)]
    options = [new]
    if new[0] == new[1]:  # who stands still keeps the cell; of two that move, either gets it
        options = [[old[0], new[1]]] * went[0] + [[new[0], old[1]]] * went[1]
    worlds = []
    for at in options:
        held, coins = [list(own) for own in world["held"]], dict(world["coins"])
        for i in (0, 1):
            if at[i] in coins:
                held[i][coins.pop(at[i])] += 1
        swept = [beam(at[i], heading[i]) if actions[i] == 3 else set() for i in (0, 1)]
        met = (at[1] in swept[0] or at[0] in swept[1]) and sum(held[0]) > 0 and sum(held[1]) > 0
        rewards = [0.0, 0.0]
        if met:
            for a in (0, 1):
                for b in (0, 1):
                    weight = held[0][a] / sum(held[0]) * held[1][b] / sum(held[1])
                    rewards = [r + weight * payoffs[i][a][b] for i, r in enumerate(rewards)]
        frozen = freeze if met else max(world["frozen"] - 1, 0)
        after = {"at": at, "heading": heading, "held": held, "coins": coins, "frozen": frozen}
        worlds.append((after, rewards, swept[0] | swept[1], met))
    return worlds


def seen(world, beams, i):
    """The marks player i sees, `(plane, ahead, right)`, and its six numbers."""
    (row, column), heading = world["at"][i], world["heading"][i]
    (dr, dc), (er, ec) = AHEAD[heading], AHEAD[(heading - 1) % 4]
    marks = set()
    for ahead in range(5):
        for right in range(-2, 3):
            place = row + ahead * dr + right * er, column + ahead * dc + right * ec
            plane = None
            if not inside(place):
                plane = 4
            elif place == (row, column):
                plane = 0
            elif place == world["at"][1 - i]:
                plane = 1
                marks.add((6 + (world["heading"][1 - i] - heading) % 4, ahead, right + 2))
            elif place in world["coins"]:
                plane = 2 + world["coins"][place]
            elif place in beams:
                plane = 5
            if plane is not None:
                marks.add((plane, ahead, right + 2))
    own, other = world["held"][i], world["held"][1 - i]
    return marks, [*own, int(sum(own) > 0), int(sum(other) > 0), *(other if world["frozen"] else (0, 0))]
