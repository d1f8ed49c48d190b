"""The face of preconditioners."""

from abc import ABC, abstractmethod
from collections.abc import Callable

import numpy as np

from sciml.describe import Described
from sciml.linalg.operator import LinearOperator


class Preconditioner(Described, ABC):
    r"""Makes an approximate inverse $M^{-1}$ of a matrix; the object itself holds settings only."""

    def __init__(self) -> None:
        """Most kinds have nothing to set."""

    @abstractmethod
    def prepare(self, a: LinearOperator) -> Callable[[np.ndarray], np.ndarray]:
        """Does the work that depends on the matrix, and returns what applies the approximate inverse to `(n,)`.

        Raises:
            ValueError: a matrix for which there is none of this kind.
        """


class GivenPreconditioner(Preconditioner):
    r"""An approximate inverse that the caller has: the same for all matrices.

    Args:
        function: applies $M^{-1}$, `(n,) -> (n,)`; it must not change its argument.
    """

    def __init__(self, function: Callable[[np.ndarray], np.ndarray]) -> None:
        self.function = function

    def prepare(self, a: LinearOperator) -> Callable[[np.ndarray], np.ndarray]:
        return self.function
