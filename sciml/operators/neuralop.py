"""Models of the package `neuraloperator`, by class path."""

import contextlib
import importlib
import io
import warnings
from collections.abc import Mapping
from typing import Any

from jaxtyping import Float
from torch import Tensor, nn

from sciml.describe import Described, resolve
from sciml.status import ConfigError

_PACKAGE = "neuralop.models"


class NeuralOp(Described, nn.Module):
    """A grid model of `neuraloperator` that trains, saves and loads like any other module.

    The package is imported on construction. Differences to the bare model, each a fault of version 2.0.0: the state
    dict has no entry `_metadata`, which a strict load of a surrounding module refuses; grids with an odd leading axis
    are refused, since the spectral layers shift such spectra by one mode; the warning filters stay as they were.

    Args:
        class_path: class below `neuralop.models`, for instance `neuralop.models.TFNO`.
        init_args: arguments of its constructor.

    Shapes: `(b, c, *s)` to `(b, c_out, *s)`.

    Raises:
        ConfigError: the package is not installed, or it has no such class.
        ValueError: a class of another package.
    """

    accepts = frozenset[str]()

    def __init__(self, class_path: str, init_args: Mapping[str, Any] | None = None) -> None:
        super().__init__()
        if not class_path.startswith(f"{_PACKAGE}."):
            raise ValueError(f"class_path={class_path!r} must name a class below {_PACKAGE}.")
        _import_quietly()
        with warnings.catch_warnings(), contextlib.redirect_stdout(io.StringIO()):
            # Some constructors print, and factorised weights warn about values that are overwritten at once.
            warnings.simplefilter("ignore")
            self.network = resolve(class_path)(**dict(init_args or {}))
        for module in self.network.modules():
            if type(module).__name__ == "SpectralConv":
                module.register_forward_pre_hook(_refuse_odd)
        self.register_state_dict_post_hook(_drop_metadata)

    @classmethod
    def example(cls) -> "NeuralOp":
        """A small one, for tests."""
        arguments = {"n_modes": [6, 6], "in_channels": 1, "out_channels": 1, "hidden_channels": 8, "n_layers": 2}
        return cls(f"{_PACKAGE}.FNO", arguments)

    def forward(self, u: Float[Tensor, "b c *s"]) -> Float[Tensor, "b c_out *s"]:
        return self.network(u)


def _import_quietly() -> None:
    with warnings.catch_warnings():
        # The package sets a filter for the whole process; leaving this block takes it back.
        warnings.simplefilter("ignore")
        try:
            importlib.import_module(_PACKAGE)
        except ModuleNotFoundError as error:
            raise ConfigError(
                f"{_PACKAGE} needs the package neuraloperator ({error}); pip install sciml[neuralop]."
            ) from None


def _refuse_odd(module: nn.Module, inputs: tuple[Tensor, ...]) -> None:
    # Only the leading axes are shifted; the last one holds a half spectrum.
    leading = tuple(inputs[0].shape[2:-1])
    if any(size % 2 for size in leading):
        raise ValueError(
            f"a spectral layer of neuralop 2.0.0 meets leading axes {leading}, and is wrong for odd sizes; "
            "use an even grid or sciml.operators.FNO."
        )


def _drop_metadata(module: nn.Module, state: dict[str, Any], prefix: str, local_metadata: dict[str, Any]) -> None:
    state.pop("_metadata", None)
