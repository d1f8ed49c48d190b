"""The labelled view holds what the reader gives, under names and units."""

from pathlib import Path

import numpy as np

from sciml.data import FieldDataset, to_xarray


def test_fields_parameters_and_coordinates_carry_names_and_units(root: Path):
    data = FieldDataset(root, "valid")
    view = to_xarray(data, [4, 1])
    assert dict(view.sizes) == {"sample": 2, "time": 4, "x": 6, "y": 4, "component": 2}
    assert view["sample"].values.tolist() == data.samples["index"][[4, 1]].tolist()
    assert (view["u"].attrs["units"], view["nu"].attrs["units"], view["time"].attrs["units"]) == (
        "m s-1",
        "m2 s-1",
        "s",
    )
    np.testing.assert_array_equal(view["u"].values, data.fields([4, 1], names=["u"])[:, :, 0])
    v_y = view["v"].sel(component="y", x=data.spec.grid.axes[0].coords[2]).transpose("sample", "time", "y")
    np.testing.assert_array_equal(v_y.values, data.fields([4, 1], names=["v"])[:, :, 1, 2])
    np.testing.assert_array_equal(view["a"].values, data.static([4, 1])[:, 0])
    np.testing.assert_array_equal(view["nu"].values, data.params([4, 1])[:, 0])
