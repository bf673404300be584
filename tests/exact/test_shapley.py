"""Exact: Shapley values and interactions of games whose solutions are known."""

from itertools import permutations

import numpy as np
import pytest

from alarmin.errors import AlarminError
from alarmin.explain import coalitions, interactions, shapley


def game(players: int, worth) -> np.ndarray:
    """What `worth` gives for the set of players of each coalition."""
    return np.array([float(worth(set(np.flatnonzero(row)))) for row in coalitions(players)])


def by_orders(values: np.ndarray, players: int) -> np.ndarray:
    """Shapley values by their definition: the mean over all orders of joining."""
    total = np.zeros(players)
    orders = list(permutations(range(players)))
    for order in orders:
        code = 0
        for player in order:
            total[player] += values[code + 2**player] - values[code]
            code += 2**player
    return total / len(orders)


def test_glove_game():
    """One left glove and two right ones: the left one is worth two thirds of the pair."""
    values = game(3, lambda who: 0 in who and len(who) > 1)
    assert shapley(values) == pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=1e-15)


def test_additive_game():
    """Everybody gets what he brings, and nobody interacts."""
    brings = np.array([3.0, -1.0, 0.5, 0.0])
    values = game(4, lambda who: sum(brings[list(who)]) + 7.0)
    assert shapley(values) == pytest.approx(brings, abs=1e-14)
    assert interactions(values) == pytest.approx(np.zeros((4, 4)), abs=1e-14)


def test_majority_game():
    """Of five alike each gets a fifth; with weights 3, 2, 2, 1 of 8 and 5 needed, as Shapley and Shubik count."""
    assert shapley(game(5, lambda who: len(who) >= 3)) == pytest.approx([0.2] * 5, abs=1e-15)
    weights = np.array([3, 2, 2, 1])
    values = game(4, lambda who: weights[list(who)].sum() >= 5)
    assert shapley(values) == pytest.approx([5 / 12, 1 / 4, 1 / 4, 1 / 12], abs=1e-15)


def test_unanimity_game():
    """Two who are worth something only together interact fully; two who can replace one another, the other way."""
    together = game(3, lambda who: {0, 1} <= who)
    instead = game(3, lambda who: bool({0, 1} & who))
    assert shapley(together) == pytest.approx([0.5, 0.5, 0.0], abs=1e-15)
    for values, size in ((together, 1.0), (instead, -1.0)):
        found = interactions(values)
        assert found[0, 1] == found[1, 0] == pytest.approx(size, abs=1e-15)
        assert np.abs(found[2]).max() < 1e-15


def test_any_game_agrees_with_the_definition():
    """Random games of six, several at once: the mean over all 720 orders, and nothing is lost."""
    values = np.random.default_rng(1).normal(size=(64, 3))
    found = shapley(values)
    for column in range(3):
        assert found[:, column] == pytest.approx(by_orders(values[:, column], 6), abs=1e-12)
    assert found.sum(axis=0) == pytest.approx(values[-1] - values[0], abs=1e-12)


def test_order_of_coalitions_matters():
    """The companion: a table in another order gives other values, so that the tests above can fail."""
    values = game(3, lambda who: 0 in who and len(who) > 1)
    assert shapley(values[::-1]) != pytest.approx([2 / 3, 1 / 6, 1 / 6], abs=0.1)


@pytest.mark.parametrize("shape", [(), (1,), (3,), (63, 2)])
def test_a_table_of_another_size_is_refused(shape):
    """A game has two to the power of its players coalitions."""
    with pytest.raises(AlarminError, match="coalitions"):
        shapley(np.zeros(shape))
