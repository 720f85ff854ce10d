"""The coin game written a second time, in plain Python on sets and tuples, from its rules alone."""

MOVES = ((0, 1), (0, -1), (1, 0), (-1, 0), (0, 0))


def played(rules, players, coins, actions):
    """What a step does: `(players, rewards, picked, places)`; `places[c]` is where coin c may be then, None standing for no coin.

    `players` and `coins` are places `(row, column)`, a coin that is not there is None.
    """
    n = rules["size"]
    players = [
        ((r + MOVES[a][0]) % n, (c + MOVES[a][1]) % n) for (r, c), a in zip(players, actions, strict=True)
    ]
    picked = [[coin is not None and player == coin for coin in coins] for player in players]
    if rules["ties"] == "red":
        picked[1] = [mine and not first for first, mine in zip(*picked, strict=True)]
    rewards = [0.0, 0.0]
    for i in (0, 1):
        for c in (0, 1):
            if picked[i][c]:
                rewards[i] += 1
                if i != c:
                    rewards[c] -= 2
    everywhere = {(r, c) for r in range(n) for c in range(n)}
    fresh = everywhere - set(players) if rules["respawn"] == "free" else everywhere
    taken = [picked[0][c] or picked[1][c] for c in (0, 1)]
    places = [{coin} for coin in coins]
    for c in (0, 1):
        if taken[c] and rules["coins"] == "two":
            places[c] = fresh
        elif taken[c]:
            places[c], places[1 - c] = {None}, fresh
    return players, rewards, picked, places


def seen(rules, players, coins, i):
    """The marks player i sees, `(plane, row, column)`."""
    n = rules["size"]
    things = [*players, *coins]
    if i == 1 and (rules["egocentric"] or rules["own_first"]):
        things = [things[1], things[0], things[3], things[2]]
    shift = (n // 2 - things[0][0], n // 2 - things[0][1]) if rules["egocentric"] else (0, 0)
    return {
        (plane, (at[0] + shift[0]) % n, (at[1] + shift[1]) % n)
        for plane, at in enumerate(things)
        if at is not None
    }
