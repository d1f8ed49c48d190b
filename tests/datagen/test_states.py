"""Samplers of whole states: published ranges, exact values, one function on every grid."""

import math

import numpy as np
import pytest
from helpers import observed_order
from scipy.spatial import cKDTree

from sciml import datagen
from sciml.datagen import (
    BrownianBridge,
    Constant,
    CurvedRiemann,
    EvolvedFlow,
    GaussianGas,
    KelvinHelmholtz,
    Patches,
    PiecewiseVorticity,
    RadialDam,
    RandomGas,
    RiemannPartition,
    ShearLayers,
    ShockTube,
    SineVortices,
    TurbulentGas,
    VortexSheet,
    VortexSum,
    WithFields,
)
from sciml.datagen.samplers import StateSampler
from sciml.describe import build, describe
from sciml.fields import Grid
from sciml.rng import sample_rng

GAS = ("density", "velocity_x", "velocity_y", "pressure")
STATES: dict[str, StateSampler] = {
    "BrownianBridge": BrownianBridge(modes=8),
    "CurvedRiemann": CurvedRiemann(),
    "EvolvedFlow": EvolvedFlow(VortexSum(count=5, width=(0.05, 0.1)), duration=0.04, points=32, dt=0.02),
    "GaussianGas": GaussianGas(flow=VortexSum(count=5, width=(0.05, 0.1))),
    "KelvinHelmholtz": KelvinHelmholtz(),
    "Patches": Patches(),
    "PiecewiseVorticity": PiecewiseVorticity(blocks=4, modes=32),
    "RadialDam": RadialDam(radius=(0.2, 0.4)),
    "RandomGas": RandomGas(),
    "RiemannPartition": RiemannPartition(),
    "ShearLayers": ShearLayers(modes=2, points=256),
    "ShockTube": ShockTube(),
    "SineVortices": SineVortices(),
    "TurbulentGas": TurbulentGas(),
    "VortexSheet": VortexSheet(modes=16),
    "VortexSum": VortexSum(count=5, width=(0.05, 0.1)),
    "WithFields": WithFields(RiemannPartition(), {"tracer": Constant((0.0, 1.0))}),
}
EVERY = pytest.mark.parametrize("name", STATES)


def of(sampler: StateSampler, seed: int = 0, n: int = 32, **kwargs) -> dict[str, np.ndarray]:
    return sampler.components(sample_rng(seed, 1), Grid.periodic(n, n, **kwargs))


def derivative(u: np.ndarray, axis: int, length: float = 1.0) -> np.ndarray:
    k = 2j * math.pi / length * np.fft.fftfreq(u.shape[axis], 1 / u.shape[axis])
    shape = [-1 if i == axis else 1 for i in range(u.ndim)]
    return np.fft.ifft(k.reshape(shape) * np.fft.fft(u, axis=axis), axis=axis).real


def test_every_state_sampler_is_looked_at_here():
    public = {n for n in datagen.__all__ if isinstance(v := getattr(datagen, n), type) and issubclass(v, StateSampler)}
    assert public - {"StateSampler"} == set(STATES)


@EVERY
def test_a_draw_is_one_function_on_every_grid(name):
    """Every point of the coarse grid is one of the fine grid."""
    coarse, fine = of(STATES[name], n=24), of(STATES[name], n=72)
    for component, values in coarse.items():
        assert values.dtype == np.float64
        np.testing.assert_allclose(values, fine[component][::3, ::3], atol=1e-11, err_msg=component)


@EVERY
def test_a_draw_depends_on_its_generator_alone(name):
    first, again, other = of(STATES[name]), of(STATES[name]), of(STATES[name], seed=1)
    assert all(np.array_equal(first[c], again[c]) for c in first)
    assert any(not np.array_equal(first[c], other[c]) for c in first)


@EVERY
def test_a_description_makes_the_same_sampler_again(name):
    sampler = build(describe(STATES[name]))
    assert all(np.array_equal(a, of(STATES[name])[c]) for c, a in of(sampler).items())


def test_components_come_in_the_order_of_the_state_and_a_missing_one_is_named():
    grid, known = Grid.periodic(8, 8), of(RiemannPartition(), n=8)
    state = RiemannPartition().draw(sample_rng(0, 1), grid, ("pressure", "velocity_y"))
    np.testing.assert_array_equal(state, np.stack([known["pressure"], known["velocity_y"]]))
    with pytest.raises(ValueError, match=r"RiemannPartition draws density, .*; the state has 'tracer' too"):
        RiemannPartition().draw(sample_rng(0, 1), grid, (*GAS, "tracer"))


def test_a_riemann_partition_has_four_states_of_the_published_ranges():
    samples = [RiemannPartition().components(sample_rng(0, i), Grid.periodic(8, 8)) for i in range(1000)]
    for name, low, high in (("density", 0.1, 1), ("velocity_x", -1, 1), ("velocity_y", -1, 1), ("pressure", 0.1, 1)):
        every = np.stack([s[name] for s in samples])
        quadrants = every.reshape(-1, 2, 4, 2, 4)
        assert np.ptp(quadrants, axis=(2, 4)).max() == 0
        corners = quadrants[:, :, 0, :, 0].ravel()
        assert low <= corners.min() < corners.max() < high
        np.testing.assert_allclose(corners.mean(), (low + high) / 2, atol=0.02)
        np.testing.assert_allclose(corners.std(), (high - low) / math.sqrt(12), rtol=0.02)
        assert len(np.unique(every[0])) == 4


def test_a_curved_partition_without_displacement_is_the_straight_one():
    straight, curved = (of(s) for s in (RiemannPartition(), CurvedRiemann(amplitude=0.0)))
    assert all(np.array_equal(straight[c], curved[c]) for c in straight)


def test_a_curved_partition_has_the_displacement_of_its_formula():
    """The same draw with the phases written out as sines."""
    sampler, n = CurvedRiemann(modes=2, amplitude=0.05), 40
    generator, found = sample_rng(0, 1), of(sampler, n=n)
    density = generator.uniform(0.1, 1.0, size=(2, 2))
    generator.uniform(size=(2, 2, 2)), generator.uniform(size=(2, 2))
    xi = np.arange(n) / n
    x, y = np.meshgrid(xi, xi, indexing="ij")
    where = []
    for own in (x, y):
        alpha, beta = generator.uniform(-0.05, 0.05, size=(2, 2)), generator.random((2, 2))
        sigma = sum(
            alpha[i, j] * np.sin(2 * math.pi * ((i + 1) * x + (j + 1) * y + beta[i, j]))
            for i in range(2)
            for j in range(2)
        )
        where.append((np.mod(own + sigma, 1.0) >= 0.5).astype(int))
    np.testing.assert_array_equal(found["density"], density[tuple(where)])


def test_a_shock_tube_has_two_states_in_any_dimension():
    for grid, names in ((Grid.cells(64), ("density", "velocity_x", "pressure")), (Grid.cells(64, 4), GAS)):
        state = ShockTube().draw(sample_rng(0, 3), grid, names)
        for values in state:
            left, jump = values[0].flat[0], np.flatnonzero(np.diff(values.reshape(64, -1)[:, 0]))
            assert len(jump) == 1
            assert 15 <= jump[0] <= 48
            assert (values[: jump[0] + 1] == left).all()


def test_a_radial_dam_is_a_disc_of_water_at_rest_with_the_drawn_radius():
    grid = Grid.cells(400, 400, low=-2.5, high=2.5)
    x, y = (a.numpy() for a in grid.meshgrid())
    for seed in range(3):
        found = RadialDam().components(sample_rng(seed), grid)
        radius = sample_rng(seed).uniform(0.3, 0.7)
        np.testing.assert_array_equal(found["depth"], np.where(np.hypot(x, y) <= radius, 2.0, 1.0))
        assert not found["velocity_x"].any()
        assert not found["velocity_y"].any()


def test_kelvin_helmholtz_is_the_published_state_with_interfaces_in_their_band():
    state, y = of(KelvinHelmholtz(), n=200), np.broadcast_to(np.arange(200) / 200, (200, 200))
    outer = state["density"] == 1.0
    np.testing.assert_array_equal(state["density"], np.where(outer, 1.0, 2.0))
    np.testing.assert_array_equal(state["velocity_x"], np.where(outer, 0.5, -0.5))
    assert (state["pressure"] == 2.5).all()
    assert (state["velocity_y"] == 0).all()
    assert outer[(y < 0.2) | (y > 0.8)].all()
    assert not outer[(y > 0.3) & (y < 0.7)].any()
    below = outer[:, :100].sum(axis=1) / 200
    assert 0.005 < np.ptp(below) <= 0.1


@pytest.mark.parametrize("name", ["BrownianBridge", "EvolvedFlow", "SineVortices", "VortexSheet", "VortexSum"])
def test_velocity_is_solenoidal_and_has_the_vorticity(name):
    flow = of(STATES[name], n=96)
    u, v, omega = flow["velocity_x"], flow["velocity_y"], flow["vorticity"]
    scale = np.abs(omega).max()
    assert np.abs(derivative(u, 0) + derivative(v, 1)).max() < 1e-10 * scale
    np.testing.assert_allclose(derivative(v, 0) - derivative(u, 1), omega, atol=1e-10 * scale)
    assert max(abs(u.mean()), abs(v.mean()), abs(omega.mean())) < 1e-12 * scale


def test_the_flow_scales_with_the_box():
    """The same vorticity on a box of twice the length moves twice as fast."""
    small, large = (of(PiecewiseVorticity(blocks=4, modes=16), high=h) for h in (1.0, 2.0))
    np.testing.assert_array_equal(small["vorticity"], large["vorticity"])
    np.testing.assert_allclose(2 * small["velocity_x"], large["velocity_x"], atol=1e-12)


def test_a_vortex_has_the_published_profile():
    """One vortex, and images so far away that nothing of them is left."""
    sampler, n = VortexSum(count=1, strength=(2.0, 2.0), width=(0.05, 0.05)), 100
    generator = sample_rng(0, 1)
    generator.uniform(size=2)
    centre = generator.random((2, 1))[:, 0]
    apart = [np.mod(np.arange(n) / n - c + 0.5, 1.0) - 0.5 for c in centre]
    profile = 2.0 / 0.05 * np.exp(-(apart[0][:, None] ** 2 + apart[1][None] ** 2) / (2 * 0.05**2))
    expected = profile - 2.0 / 0.05 * 2 * math.pi * 0.05**2
    np.testing.assert_allclose(of(sampler, n=n)["vorticity"], expected, atol=1e-11)


def test_sine_vortices_are_the_projection_of_the_published_field():
    sampler, n, p = SineVortices(modes=4), 32, 4
    generator = sample_rng(0, 1)
    alpha = generator.uniform(-1, 1, size=(p, p))
    beta, gamma = 2 * math.pi * generator.random((2, p, p))
    x, y = np.meshgrid(*[np.arange(n) / n] * 2, indexing="ij")
    u, v = np.zeros((2, n, n))
    for i in range(1, p + 1):
        for j in range(1, p + 1):
            a = alpha[i - 1, j - 1] / math.sqrt(2 * math.pi * (i + j))
            first, second = 2 * math.pi * i * x + beta[i - 1, j - 1], 2 * math.pi * j * y + gamma[i - 1, j - 1]
            u += a * np.sin(first) * np.sin(second)
            v += a * np.cos(first) * np.cos(second)
    k = np.fft.fftfreq(n, 1 / n)
    kx, ky = k[:, None], k[None]
    uh, vh = np.fft.fft2(u), np.fft.fft2(v)
    along = (kx * uh + ky * vh) / np.where(kx**2 + ky**2 == 0, 1, kx**2 + ky**2)
    flow = of(sampler, n=n)
    np.testing.assert_allclose(flow["velocity_x"], np.fft.ifft2(uh - kx * along).real, atol=1e-13)
    np.testing.assert_allclose(flow["velocity_y"], np.fft.ifft2(vh - ky * along).real, atol=1e-13)


def test_piecewise_vorticity_is_piecewise_without_a_mean():
    omega = of(PiecewiseVorticity(blocks=4, modes=4))["vorticity"]
    assert np.ptp(omega.reshape(4, 8, 4, 8), axis=(1, 3)).max() == 0
    assert abs(omega.mean()) < 1e-14


def test_the_velocity_of_piecewise_vorticity_converges_at_first_order_where_the_vorticity_jumps():
    steps = [8, 16, 32, 64]
    exact, *found = (of(PiecewiseVorticity(blocks=4, modes=m), n=24)["velocity_x"] for m in (512, *steps))
    assert observed_order([np.abs(u - exact).max() for u in found], steps) == pytest.approx(1.0, abs=0.15)


def test_shear_layers_that_are_not_displaced_have_the_printed_velocity():
    n, rho = 64, 0.1
    flow = of(ShearLayers(thickness=(rho, rho), shift=(0.0, 0.0), perturbation=0.0, points=256), n=n)
    y = np.arange(n) / n
    printed = np.where(y <= 0.5, np.tanh(2 * math.pi * (y - 0.25) / rho), np.tanh(2 * math.pi * (0.75 - y) / rho))
    np.testing.assert_allclose(flow["velocity_x"], np.broadcast_to(printed, (n, n)), atol=1e-6)
    assert np.abs(flow["velocity_y"]).max() < 1e-12


def test_shear_layers_are_the_displaced_field_without_its_divergence():
    """The printed field with the displacement in both cases, on a grid of 1024 x 1024, projected by Fourier."""
    n, p = 1024, 2
    generator = sample_rng(0, 1)
    rho, xi = generator.uniform(0.08, 0.12), generator.uniform(-0.0625, 0.0625)
    alpha, beta = generator.random(p), 2 * math.pi * generator.random(p)
    x, y = np.meshgrid(*[np.arange(n) / n] * 2, indexing="ij")
    shift = sum(alpha[k] * np.sin(2 * math.pi * (k + 1) * x - beta[k]) for k in range(p))
    eta = np.mod(y + xi + 0.025 * shift, 1.0)
    u = np.where(eta <= 0.5, np.tanh(2 * math.pi * (eta - 0.25) / rho), np.tanh(2 * math.pi * (0.75 - eta) / rho))
    u = np.fft.fft2(u - u.mean())
    k = np.fft.fftfreq(n, 1 / n)
    kx, ky = k[:, None], k[None]
    along = kx * u / np.where(kx**2 + ky**2 == 0, 1, kx**2 + ky**2)
    flow = of(ShearLayers(modes=p, points=256), n=32)
    every = slice(None, None, n // 32)
    np.testing.assert_allclose(flow["velocity_x"], np.fft.ifft2(u - kx * along).real[every, every], atol=1e-5)
    np.testing.assert_allclose(flow["velocity_y"], np.fft.ifft2(-ky * along).real[every, every], atol=1e-5)


def test_shear_layers_draw_the_published_ranges():
    grid, layers = Grid.periodic(1, 256), []
    for i in range(150):
        vorticity = ShearLayers(perturbation=0.0, points=8).components(sample_rng(0, i), grid)["vorticity"][0]
        # The peak of a layer is 2 pi / rho, its place 1/4 or 3/4 less the shift.
        layers.append((2 * math.pi / np.abs(vorticity).max(), vorticity.argmin() / 256 - 0.25))
    thickness, place = np.transpose(layers)
    assert 0.08 <= thickness.min() < 0.081
    assert 0.119 < thickness.max() <= 0.123
    np.testing.assert_allclose([place.min(), place.max()], [-0.0625, 0.0625], atol=0.005)


def test_a_vortex_sheet_is_smooth_along_its_curve_and_uniform_away_from_it():
    """Away from the sheet there is what keeps the mean zero: the length of the curve, from a polygon."""
    generator, n, width = sample_rng(0, 1), 96, 5 / 128
    alpha, beta = generator.uniform(0, 0.003125, size=10), generator.random(10)
    x = np.linspace(0, 1, 20001)
    height = 0.5 + 0.2 * np.sin(2 * math.pi * x) + np.sin(2 * math.pi * (x[:, None] + beta)) @ alpha
    length = np.hypot(np.diff(x), np.diff(height)).sum()
    omega = of(VortexSheet(), n=n)["vorticity"]
    points = np.stack(np.meshgrid(*[np.arange(n) / n] * 2, indexing="ij"), -1).reshape(-1, 2)
    curve = cKDTree(np.mod(np.stack([x, height], -1), 1.0), boxsize=1.0)
    far = (curve.query(points)[0] > 1.05 * width).reshape(n, n)
    assert 0.5 < far.mean() < 0.95
    np.testing.assert_allclose(omega[far], -length, atol=0.01)
    assert omega[~far].max() > 30


def test_a_straight_vortex_sheet_has_the_profile_of_its_kernel():
    """The kernel, written as the fourth difference of a cubic, integrated along the sheet."""
    width, n = 0.1, 64
    omega = of(VortexSheet(baseline=0.0, amplitude=(0.0, 0.0), width=width), n=n)["vorticity"]
    y = (np.arange(n) / n - 0.5) / width
    s = np.linspace(-1, 1, 4001)
    r = np.hypot(y[:, None], s)
    spline = sum(
        c * np.clip(r + d, 0, None) ** 3 for c, d in zip((1, -4, 6, -4, 1), (1, 0.5, 0, -0.5, -1), strict=True)
    )
    profile = 80 / (7 * math.pi) * np.trapezoid(spline, s, axis=1) / width
    np.testing.assert_allclose(omega, np.broadcast_to(profile - 1.0, (n, n)), atol=2e-4)


def test_a_brownian_bridge_is_its_formula_without_its_divergence():
    n, p = 32, 3
    alpha = sample_rng(0, 1).uniform(-1, 1, size=(2, p + 1, p + 1, 2, 2))
    x, y = np.meshgrid(*[np.arange(n) / n] * 2, indexing="ij")
    u = np.zeros((2, n, n))
    for k in range(p + 1):
        for m in range(p + 1):
            if k + m:
                first = np.cos(2 * math.pi * k * x), np.sin(2 * math.pi * k * x)
                second = np.cos(2 * math.pi * m * y), np.sin(2 * math.pi * m * y)
                for i in range(2):
                    for j in range(2):
                        u += math.hypot(k, m) ** -1.5 * alpha[:, k, m, i, j, None, None] * first[i] * second[j]
    omega = derivative(u[1], 0) - derivative(u[0], 1)
    found = of(BrownianBridge(modes=p), n=n)
    np.testing.assert_allclose(found["vorticity"], omega, atol=1e-11)


def test_a_brownian_bridge_has_an_energy_that_falls_like_the_inverse_square():
    """The density of modes times the square of their decay: E(k) ~ k * k^-3."""
    energy, n = np.zeros(65), 128
    k = np.hypot(*np.meshgrid(*[np.fft.fftfreq(n, 1 / n)] * 2, indexing="ij"))
    for seed in range(4):
        flow = of(BrownianBridge(modes=60), seed=seed, n=n)
        density = sum(np.abs(np.fft.fft2(flow[f"velocity_{a}"], norm="forward")) ** 2 for a in "xy")
        energy += np.bincount(np.rint(k).astype(int).ravel(), weights=density.ravel())[:65]
    bands = [energy[i:j].mean() for i, j in ((8, 12), (16, 24), (32, 48))]
    np.testing.assert_allclose(np.diff(np.log2(bands)), -2.0, atol=0.2)


def test_an_evolved_flow_is_the_exact_solution_where_there_is_one():
    """One sine mode does not move and decays like exp(-2 (2 pi)^2 nu t)."""
    first = SineVortices(modes=1)
    sampler = EvolvedFlow(first, duration=0.2, viscosity=0.025, points=16, dt=0.05)
    decay = math.exp(-2 * (2 * math.pi) ** 2 * 0.025 * 0.2)
    for name, values in of(first, n=24).items():
        np.testing.assert_allclose(of(sampler, n=24)[name], decay * values, atol=1e-9, err_msg=name)


def test_gaussian_gas_is_uniform_but_for_its_flow():
    state, flow = of(STATES["GaussianGas"]), of(STATES["VortexSum"])
    assert (state["density"] == 0.1).all()
    assert (state["pressure"] == 2.5).all()
    np.testing.assert_array_equal(state["velocity_y"], flow["velocity_y"])


def test_a_random_gas_stays_within_its_contrast_and_its_mach_number():
    sampler = RandomGas(contrast=0.9, mach=0.3, density=(1.0, 1.0), pressure=(0.6, 0.6))
    for i in range(50):
        state = sampler.components(sample_rng(0, i), Grid.periodic(24, 24))
        assert 0.1 <= state["density"].min() < state["density"].max() <= 1.9
        assert 0.06 <= state["pressure"].min() < state["pressure"].max() <= 1.14
        assert np.abs(state["velocity_x"]).max() <= 0.3
        assert abs(state["density"].mean() - 1.0) < 1e-12


@pytest.mark.parametrize("shape", [(32, 32), (16, 16, 16)])
def test_turbulence_is_solenoidal_and_has_its_mach_number_exactly(shape):
    grid = Grid.periodic(*shape)
    state = TurbulentGas(mach=0.1, pressure=0.6).components(sample_rng(0, 1), grid)
    velocity = [state[f"velocity_{n}"] for n in grid.names]
    assert math.sqrt(np.mean(sum(v**2 for v in velocity))) == pytest.approx(0.1, rel=1e-12)
    assert np.abs(sum(derivative(v, i) for i, v in enumerate(velocity))).max() < 1e-12


def test_patches_lie_between_their_two_mixtures():
    state = of(Patches(count=20), n=64)
    inside = (1.0 - state["u"]) / 0.5
    assert 0 <= inside.min() < 0.01 < 0.5 < inside.max() <= 1
    np.testing.assert_allclose(state["v"], 0.25 * inside, atol=1e-15)


@pytest.mark.parametrize(
    ("make", "word"),
    [
        (lambda: RiemannPartition(density=(0.0, 1.0)), "density"),
        (lambda: RiemannPartition(blocks=0), "blocks"),
        (lambda: ShockTube(place=(0.7, 0.2)), "place"),
        (lambda: KelvinHelmholtz(amplitude=0.3), "amplitude"),
        (lambda: CurvedRiemann(modes=0), "modes"),
        (lambda: GaussianGas(pressure=-1.0), "pressure"),
        (lambda: RadialDam(radius=(0.0, 0.5)), "radius"),
        (lambda: RadialDam(outside=0.0), "outside"),
        (lambda: RandomGas(contrast=1.0), "contrast"),
        (lambda: TurbulentGas(mach=-1.0), "mach"),
        (lambda: VortexSum(width=(0.0, 0.1)), "width"),
        (lambda: VortexSheet(width=0.0), "width"),
        (lambda: VortexSheet(modes=0), "modes"),
        (lambda: ShearLayers(thickness=(0.0, 0.1)), "thickness"),
        (lambda: ShearLayers(points=4), "points"),
        (lambda: BrownianBridge(modes=0), "modes"),
        (lambda: EvolvedFlow(dt=0.0), "dt"),
        (lambda: EvolvedFlow(points=4), "points"),
        (lambda: Patches(background={"u": 1.0}), "inside"),
        (lambda: of(SineVortices(), high=(1.0, 2.0)), "square"),
        (lambda: KelvinHelmholtz().components(sample_rng(0), Grid.periodic(8)), "dimensions"),
    ],
)
def test_bad_arguments_are_refused_by_name(make, word):
    with pytest.raises(ValueError, match=word):
        make()
