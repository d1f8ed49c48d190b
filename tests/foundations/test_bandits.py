"""Bandits: their probabilities are those of the formula, their regret grows slowly, a context is made use of."""

import json

import numpy as np
import pytest
from scipy.optimize import brentq

from sciml.bandits import Binned, ChebCB, TsallisINF, _tsallis
from sciml.describe import build, describe
from sciml.linalg import SOR, SparseMatrix, Stationary

KINDS = [TsallisINF(4), Binned(4, 0.0, 1.0), ChebCB(4, 0.0, 1.0)]
ALL = pytest.mark.parametrize("bandit", KINDS, ids=lambda b: type(b).__name__)


def play(bandit, cost, contexts) -> np.ndarray:
    """Costs of all rounds."""
    spent = []
    for t, z in enumerate(contexts):
        arm = bandit.select(z)
        spent.append(cost(t, arm, z))
        bandit.update(arm, spent[-1], z)
    return np.array(spent)


@pytest.mark.parametrize("eta", [2.0, 0.3, 1e-3])
@pytest.mark.parametrize("spread", [0.0, 1.0, 1e4, 1e9])
def test_the_probabilities_solve_the_equation_of_tsallis_entropy(eta, spread):
    estimates = spread * np.array([0.3, 0.0, 1.0, 0.5])
    total = lambda x: np.sum(4.0 / (eta * (estimates - x)) ** 2) - 1.0  # noqa: E731
    x = brentq(total, estimates.min() - 4.0 / eta - 1e-9, estimates.min() - 2.0 / eta * (1 - 1e-12), xtol=1e-13)
    p = _tsallis(estimates, eta)
    np.testing.assert_allclose(p, 4.0 / (eta * (estimates - x)) ** 2, rtol=1e-5)
    assert p.sum() == pytest.approx(1.0)
    assert (p > 0).all()


@ALL
def test_the_first_round_is_uniform_and_every_round_sums_to_one(bandit):
    fresh = build(describe(bandit))
    np.testing.assert_allclose(fresh.probabilities(0.3), 0.25)
    for t in range(60):
        p = fresh.probabilities(t / 60)
        assert p.sum() == pytest.approx(1.0)
        assert (p > 0).all()
        fresh.update(fresh.select(t / 60), 10.0 + t % 7, t / 60)


@ALL
def test_the_same_seed_and_costs_give_the_same_choices(bandit):
    runs = []
    for _ in range(2):
        fresh = build(describe(bandit))
        runs.append(play(fresh, lambda t, arm, z: 5.0 + arm + z, np.linspace(0, 1, 50)).tolist())
    assert runs[0] == runs[1]


@ALL
def test_a_saved_bandit_goes_on_with_the_same_choices(bandit):
    cost, contexts = lambda t, arm, z: 5.0 + 3 * arm + 7 * z, np.linspace(0, 1, 60)
    whole = build(describe(bandit))
    expected = play(whole, cost, contexts).tolist()
    first, second = build(describe(bandit)), build(describe(bandit))
    begun = play(first, cost, contexts[:25]).tolist()
    second.load_state_dict(json.loads(json.dumps(first.state_dict(), allow_nan=False)))
    assert begun + play(second, cost, contexts[25:]).tolist() == expected
    assert second.state_dict() == whole.state_dict()
    untouched = build(describe(bandit))
    untouched.load_state_dict(json.loads(json.dumps(untouched.state_dict(), allow_nan=False)))
    assert play(untouched, cost, contexts).tolist() == expected


@ALL
def test_a_copy_goes_on_alone(bandit):
    cost, contexts = lambda t, arm, z: 5.0 + 3 * arm + 7 * z, np.linspace(0, 1, 30)
    fresh = build(describe(bandit))
    play(fresh, cost, contexts)
    before, twin = json.dumps(fresh.state_dict()), fresh.copied()
    expected = play(twin, cost, contexts).tolist()
    assert json.dumps(fresh.state_dict()) == before != json.dumps(twin.state_dict())
    assert play(fresh, cost, contexts).tolist() == expected


def test_a_state_of_another_bandit_is_refused():
    with pytest.raises(ValueError, match=r"ChebCB takes \['errors', 'gram'"):
        ChebCB(4, 0.0, 1.0).load_state_dict(TsallisINF(4).state_dict())
    with pytest.raises(ValueError, match=r"estimates has shape \(4,\)"):
        TsallisINF(5).load_state_dict(TsallisINF(4).state_dict())
    with pytest.raises(ValueError, match="5 learners; there are bins=3"):
        Binned(4, 0.0, 1.0, bins=3).load_state_dict(Binned(4, 0.0, 1.0).state_dict())


@ALL
def test_the_best_arm_is_drawn_most_in_the_end(bandit):
    rng, fresh = np.random.default_rng(0), build(describe(bandit))
    spent = play(fresh, lambda t, arm, z: [40.0, 20.0, 50.0, 45.0][arm] + rng.integers(0, 5), np.full(1500, 0.5))
    assert np.mean(spent[-500:] < 25.0) > 0.8


def test_the_regret_grows_slower_than_the_rounds():
    rates = []
    for rounds in (500, 4000):
        rng = np.random.default_rng(1)
        spent = play(TsallisINF(5), lambda t, arm, z, rng=rng: 20.0 + 4 * arm + rng.integers(0, 20), np.zeros(rounds))
        rates.append((spent - 29.5).mean())
    assert rates[1] < 0.6 * rates[0]


def test_adversarial_costs_do_not_break_the_estimates():
    """The best arm changes half-way."""
    spent = play(TsallisINF(3), lambda t, arm, z: 10.0 + 20 * (arm != (0 if t < 2000 else 2)), np.zeros(4000))
    assert np.mean(spent[3500:]) < 25


def test_a_context_is_learned_where_no_single_arm_is_good():
    """The best of eight arms moves with the context: a fixed one costs several times the optimum."""
    rng = np.random.default_rng(0)
    contexts = rng.random(2000)
    cost = lambda t, arm, z: 10.0 + 200.0 * (z - arm / 7) ** 2 + rng.random()  # noqa: E731
    fixed = min(np.mean(10.5 + 200.0 * (contexts - arm / 7) ** 2) for arm in range(8))
    learned = play(ChebCB(8, 0.0, 1.0), cost, contexts.tolist())
    binned = play(Binned(8, 0.0, 1.0), cost, contexts.tolist())
    assert learned[1000:].mean() < 0.55 * fixed
    assert learned[1000:].mean() < binned[1000:].mean()


def test_the_fit_keeps_to_its_bounds():
    bandit = ChebCB(3, 0.0, 1.0, terms=6)
    rng = np.random.default_rng(0)
    for _ in range(40):
        z = 0.1 * rng.random()
        bandit.update(bandit.select(z), 10.0 + 90.0 * rng.random(), z)
        bandit.probabilities(1.0)
        _, bounds = bandit._bounds()
        for theta in bandit._bounded_fits.values():
            assert (np.abs(theta) <= bounds * (1 + 1e-6) + 1e-12).all()
    assert bandit._bounded_fits


def relaxation(seed: int, rounds: int):
    """Counts of SOR for A0 + c I on 4 x 4 points, with nine parameters."""
    rng, arms = np.random.default_rng(seed), np.linspace(1.0, 1.8, 9)
    line = 2 * np.eye(4) - np.eye(4, k=1) - np.eye(4, k=-1)
    laplacian = np.kron(line, np.eye(4)) + np.kron(np.eye(4), line)
    # As near to singular as the published stream: the smallest eigenvalue of A0 is 0.76.
    shifts = -0.74 + 1.5 * rng.beta(0.5, 1.5, rounds)
    counts = np.zeros((rounds, len(arms)), int)
    for t, c in enumerate(shifts):
        a, b = SparseMatrix(laplacian + c * np.eye(16)), rng.standard_normal(16)
        counts[t] = [Stationary(SOR(w)).solve(a, b).iterations for w in arms]
    return shifts, counts


@pytest.mark.slow
def test_relaxation_parameters_are_learned_over_a_stream_of_systems():
    """A small form of the published experiment, replayed ten times; the full one is a benchmark."""
    shifts, counts = relaxation(0, 60)
    shifts, counts = np.tile(shifts, 20), np.tile(counts, (20, 1))
    cost = lambda t, arm, z: float(counts[t, arm])  # noqa: E731
    best_fixed, worst = counts.mean(axis=0).min(), counts.mean(axis=0).max()
    tsallis = play(TsallisINF(9), cost, shifts.tolist()).mean()
    chebyshev = play(ChebCB(9, -0.74, 0.76), cost, shifts.tolist()).mean()
    assert tsallis < best_fixed + 0.4 * (worst - best_fixed)
    assert chebyshev < best_fixed


@ALL
def test_costs_and_arms_that_make_no_sense_are_refused(bandit):
    fresh = build(describe(bandit))
    with pytest.raises(ValueError, match="select before"):
        fresh.update(0, 3.0)
    fresh.select(0.5)
    for arm, cost, word in (
        (4, 3.0, "arm=4"),
        (0, float("nan"), "cost=nan"),
        (0, float("inf"), "limit"),
        (0, -1.0, "cost"),
    ):
        with pytest.raises(ValueError, match=word):
            fresh.update(arm, cost, 0.5)


def test_settings_that_make_no_sense_are_refused():
    for make in (
        lambda: TsallisINF(0),
        lambda: Binned(3, 1.0, 1.0),
        lambda: Binned(3, 0.0, 1.0, bins=0),
        lambda: ChebCB(3, 2.0, 1.0),
        lambda: ChebCB(3, 0.0, 1.0, terms=0),
    ):
        with pytest.raises(ValueError, match="must"):
            make()
