"""Exact Shapley values and pairwise interactions of a game whose every coalition has been played."""

from math import factorial

import numpy as np
from numpy.typing import ArrayLike, NDArray

from alarmin.errors import AlarminError


def coalitions(players: int) -> NDArray[np.bool_]:
    """Who takes part in each coalition, `[2**player, player]`; coalition c has the players of the bits of c."""
    return (np.arange(2**players)[:, None] >> np.arange(players)) % 2 == 1


def shapley(values: ArrayLike) -> NDArray[np.float64]:
    """What each player adds on average over all orders in which players can join.

        phi_i = sum over S without i of |S|! (n - |S| - 1)!/n! (v(S + i) - v(S))

    They add up to v(all) - v(nobody).

    Args:
        values: what each coalition is worth, in the order of `coalitions`, `[2**player, …]`.

    Returns:
        `[player, …]` in double precision.

    Raises `AlarminError` where the number of coalitions is not a power of two.
    """
    worth, n = _table(values)
    size = coalitions(n).sum(axis=1)
    weight = np.array([factorial(s) * factorial(n - s - 1) / factorial(n) for s in range(n)])
    found = np.zeros((n, *worth.shape[1:]))
    for i in range(n):
        without = np.flatnonzero(~coalitions(n)[:, i])
        found[i] = np.tensordot(weight[size[without]], worth[without + 2**i] - worth[without], axes=1)
    return found


def interactions(values: ArrayLike) -> NDArray[np.float64]:
    """Shapley interaction indices: how much more two players add together than one by one.

        I_ij = sum over S without i, j of |S|! (n - |S| - 2)!/(n - 1)! (v(S + i + j) - v(S + i) - v(S + j) + v(S))

    Above zero each makes the other worth more; below, one stands in for the other.

    Args:
        values: what each coalition is worth, in the order of `coalitions`, `[2**player, …]`.

    Returns:
        `[player, player, …]`, symmetric, zero on the diagonal.

    Raises `AlarminError` where the number of coalitions is not a power of two.
    """
    worth, n = _table(values)
    member, size = coalitions(n), coalitions(n).sum(axis=1)
    weight = np.array([factorial(s) * factorial(n - s - 2) / factorial(n - 1) for s in range(n - 1)])
    found = np.zeros((n, n, *worth.shape[1:]))
    for i in range(n):
        for j in range(i):
            base = np.flatnonzero(~member[:, i] & ~member[:, j])
            both = worth[base + 2**i + 2**j] - worth[base + 2**i] - worth[base + 2**j] + worth[base]
            found[i, j] = found[j, i] = np.tensordot(weight[size[base]], both, axes=1)
    return found


def _table(values: ArrayLike) -> tuple[NDArray[np.float64], int]:
    worth = np.asarray(values, np.float64)
    n = worth.shape[0].bit_length() - 1 if worth.ndim else -1
    if n < 1 or worth.shape[0] != 2**n:
        raise AlarminError(
            f"a game with values of the shape {worth.shape}", remedy="give one value for each of 2**players coalitions"
        )
    return worth, n
