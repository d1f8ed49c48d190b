"""What figures show: colour scales, axes, units and curves, read off the drawn objects."""

import matplotlib
import numpy as np
import pytest

from sciml.fields import FieldSpec, Grid
from sciml.report import curves, figures, style

A, P = FieldSpec("a", unit="m2"), FieldSpec("p", unit="Pa", long_name="pressure")


def texts(figure):
    return [t.get_text() for t in figure.findobj(matplotlib.text.Text)]


def meshes(figure):
    return [m for ax in figure.axes[:4] for m in ax.collections]


@pytest.fixture
def pictures():
    rng = np.random.default_rng(0)
    truth = rng.random((2, 6, 4))
    return rng.random((2, 6, 4)), truth, truth + np.array([0.5, 0.1])[:, None, None]


def test_truth_and_prediction_share_a_colour_scale_and_the_error_is_centred(pictures):
    figure = figures.comparison(*pictures, Grid.cells(6, 4), A, P, "m")
    _, truth, prediction, error = meshes(figure)
    assert truth.get_clim() == prediction.get_clim() == (pictures[1][0].min(), pictures[2][0].max())
    assert error.get_clim() == pytest.approx((-0.5, 0.5))


def test_colour_bars_and_axes_carry_units(pictures):
    found = texts(figures.comparison(*pictures, Grid.cells(6, 4), A, P, "m"))
    for text in ("a [m2]", "pressure [Pa]", "error [Pa]", "x [m]", "y [m]", "input", "truth", "prediction"):
        assert text in found


def test_x_runs_to_the_right_and_y_upwards():
    """A single bright cell at the largest x and the smallest y lies at the lower right."""
    u = np.zeros((1, 6, 4))
    u[0, 5, 0] = 1.0
    mesh = meshes(figures.comparison(u, u, u, Grid.cells(6, 4, high=(3.0, 1.0)), A, P))[1]
    corner = mesh.get_coordinates()
    values = np.asarray(mesh.get_array()).reshape(4, 6)
    assert values[0, 5] == 1.0
    assert corner[0, 0].tolist() == [0.0, 0.0]
    assert corner[-1, -1].tolist() == pytest.approx([3.0, 1.0])


def test_three_dimensions_show_the_middle_plane():
    u = np.zeros((1, 4, 4, 5))
    u[..., 2] = 1.0
    mesh = meshes(figures.comparison(u, u, u, Grid.cells(4, 4, 5), A, P))[1]
    assert (np.asarray(mesh.get_array()) == 1).all()


def test_one_dimension_shows_curves_and_states_the_relative_error():
    truth = np.ones((2, 8))
    figure = figures.comparison(truth, truth, 1.1 * truth, Grid.periodic(8), P, P, "m")
    assert "relative L2 0.1" in texts(figure)
    error = figure.axes[2].lines[-1].get_ydata()
    assert error == pytest.approx(0.1 * np.ones(8))


def test_constant_and_diverged_fields_can_be_drawn():
    u = np.ones((1, 6, 4))
    style.png(figures.comparison(u, u, u * np.nan, Grid.cells(6, 4), A, P), dpi=30)
    assert style.limits(u * np.nan) == (0.0, 1.0)
    low, high = style.limits(u)
    assert low < 1 < high


def test_the_same_figure_gives_the_same_bytes(pictures):
    one, two = (style.png(figures.comparison(*pictures, Grid.cells(6, 4), A, P), dpi=30) for _ in range(2))
    assert one == two


def test_wrong_shapes_are_refused(pictures):
    a, u, p = pictures
    with pytest.raises(ValueError, match=r"prediction has shape \(2, 6, 3\)"):
        figures.comparison(a, u, p[..., :3], Grid.cells(6, 4), A, P)
    with pytest.raises(ValueError, match="truth has shape"):
        figures.space_time(u[:, :, :], u, [0.0, 1.0], Grid.periodic(4), P)
    with pytest.raises(ValueError, match="truth has shape"):
        figures.frames(u, u, [0.0], Grid.cells(6, 4), P)


def test_matplotlib_settings_outside_are_left_alone(pictures):
    before = dict(matplotlib.rcParams)
    figures.comparison(*pictures, Grid.cells(6, 4), A, P)
    assert dict(matplotlib.rcParams) == before


def test_frames_show_first_and_last_time_on_one_scale():
    times = np.linspace(0, 2, 9)
    truth = np.exp(-times)[:, None, None] * np.ones((9, 3, 3))
    figure = figures.frames(truth, truth, times.tolist(), Grid.periodic(3, 3), P, time_unit="s")
    assert {"t = 0 s", "t = 2 s"} <= set(texts(figure))
    limits = {m.get_clim() for ax in figure.axes[:10] for m in ax.collections}
    assert limits == {(truth.min(), truth.max())}


def test_space_time_puts_time_to_the_right():
    truth = np.arange(3.0)[None, :, None] * np.ones((1, 3, 4))
    figure = figures.space_time(truth, truth, [0.0, 0.5, 1.0], Grid.periodic(4), P, "m", "s")
    values = np.asarray(meshes(figure)[0].get_array()).reshape(4, 3)
    assert values[0].tolist() == [0.0, 1.0, 2.0]
    assert {"time [s]", "x [m]"} <= set(texts(figure))


def test_metrics_csv_with_gaps_becomes_one_curve_per_column(tmp_path):
    path = tmp_path / "metrics.csv"
    path.write_text("epoch,step,train/loss,val/loss\n0,0,1.0,\n0,4,,0.8\n1,9,nan,\n1,9,0.5,0.4\n")
    assert curves.read_metrics(path) == {"train/loss": ([0.0, 9.0], [1.0, 0.5]), "val/loss": ([4.0, 9.0], [0.8, 0.4])}


def test_the_training_curve_drops_a_loss_that_repeats_its_only_term_and_keeps_the_rate_apart():
    history = {
        "train/loss": ([0, 1], [1.0, 0.5]),
        "train/relative_l2": ([0, 1], [1.0, 0.5]),
        "val/relative_l2": ([0, 1], [0.9, 0.6]),
        "train/lr": ([0, 1], [1e-3, 5e-4]),
    }
    figure = curves.training_curve(history)
    assert [line.get_label() for line in figure.axes[0].lines] == ["train/relative_l2", "val/relative_l2"]
    assert figure.axes[1].lines[0].get_ydata().tolist() == [1e-3, 5e-4]


def test_the_spectrum_hides_what_is_rounding_and_keeps_the_mean():
    truth = np.array([1.0, 1e-3, 1e-30])
    lines = curves.spectrum(truth, truth, 1e-4 * truth).axes[0].lines
    assert lines[0].get_xdata()[:2].tolist() == [0.5, 1.0]
    assert np.isnan(lines[0].get_ydata()).tolist() == [False, False, True]


def test_infinite_errors_are_left_out_of_the_rollout_curve():
    figure = curves.error_by_step([0.1, 0.2], {"a": [0.1, np.inf]})
    assert np.isnan(figure.axes[0].lines[0].get_ydata()[1])
