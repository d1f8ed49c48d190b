r"""Fast solution of $-w\Delta u + cu = f$ with constant coefficients on cells, by sine and cosine transforms."""

import functools
from dataclasses import dataclass

import numpy as np

#: Whether the lower and the upper end of an axis are Dirichlet walls; no flux crosses the others.
Walls = tuple[bool, bool]


@dataclass(frozen=True)
class FastPoisson:
    r"""Inverse of $L u = \sum_{\text{axes}} w (2u_i - u_{i-1} - u_{i+1}) + c u$ on cells, in $O(n \log n)$.

    At a Dirichlet wall the outer value is $-u_i$ (the wall lies half a cell away), at a Neumann one it is $u_i$. The
    eigenvectors are those of the discrete sine transform of type II (two Dirichlet walls) or IV (the lower one only)
    and of the cosine transform of type II (none) or IV (the upper one only). Where both walls of an axis lie at nodes,
    a full step away, the outer value is zero and the transform the sine transform of type I.

    It serves numpy vectors, with a shift, and is a part of preconditioners; `solvers.cosine_poisson` is its sibling for
    batches of tensors on any device, differentiable and with periodic axes.

    Args:
        shape: cells per axis.
        weights: $w$ per axis, coefficient / h^2.
        walls: which ends of each axis are Dirichlet walls.
        shift: $c$, real or complex; it may make the operator indefinite.
        nodal: per axis, whether its two Dirichlet walls lie at nodes; `None` means nowhere.

    Reference: Strang (1999), SIAM Rev. 41:135-147; Swarztrauber (1977), SIAM Rev. 19:490-501.
    """

    shape: tuple[int, ...]
    weights: tuple[float, ...]
    walls: tuple[Walls, ...]
    shift: complex = 0.0
    nodal: tuple[bool, ...] | None = None

    def at_nodes(self, axis: int) -> bool:
        """Whether the walls of an axis are Dirichlet ones at nodes."""
        return self.nodal is not None and self.nodal[axis]

    def wavenumbers(self, axis: int) -> np.ndarray:
        r"""$\kappa$ of the modes of an axis, which are sines or cosines of $\pi \kappa \xi$ at `points`."""
        low, high = self.walls[axis]
        return np.arange(self.shape[axis]) + (1.0 if low and high else 0.5 if low or high else 0.0)

    def points(self, axis: int) -> np.ndarray:
        r"""$\xi$ of the cells of an axis, or of its nodes, between walls at 0 and 1."""
        n = self.shape[axis]
        return np.arange(1, n + 1) / (n + 1) if self.at_nodes(axis) else (np.arange(n) + 0.5) / n

    @functools.cached_property
    def eigenvalues(self) -> np.ndarray:
        """Of all modes, `(*s)`."""
        total: np.ndarray = np.asarray(self.shift)
        for axis, (n, w) in enumerate(zip(self.shape, self.weights, strict=True)):
            line = w * (2.0 - 2.0 * np.cos(np.pi * self.wavenumbers(axis) / (n + self.at_nodes(axis))))
            total = total + line.reshape([-1 if i == axis else 1 for i in range(len(self.shape))])
        return total

    @property
    def singular(self) -> bool:
        """Whether the constants are its null space; `apply_inverse` then leaves the mean at zero."""
        return not any(any(pair) for pair in self.walls) and self.shift == 0

    @functools.cached_property
    def inverse_eigenvalues(self) -> np.ndarray:
        """Their inverses, `(*s)`, zero for the null space.

        Raises:
            LinAlgError: the shift makes one of them zero.
        """
        values = self.eigenvalues
        sizes = np.abs(values)
        if sizes.min() > 1e-13 * sizes.max():
            return 1.0 / values
        if not self.singular:
            raise np.linalg.LinAlgError(f"shift={self.shift:.6g} is an eigenvalue: the fast solver is singular")
        near_zero = sizes <= 1e-13 * sizes.max()
        return np.where(near_zero, 0.0, 1.0 / np.where(near_zero, 1.0, values))

    @functools.cached_property
    def diagonal(self) -> np.ndarray:
        """Of the matrix, `(*s)`: a Dirichlet wall between nodes counts twice, a Neumann one not at all."""
        total: np.ndarray = np.asarray(self.shift)
        for axis, (n, w, (low, high)) in enumerate(zip(self.shape, self.weights, self.walls, strict=True)):
            line = np.full(n, 2.0 * w)
            if not self.at_nodes(axis):
                line[0] += w if low else -w
                line[-1] += w if high else -w
            total = total + line.reshape([-1 if i == axis else 1 for i in range(len(self.shape))])
        return total

    def apply_inverse(self, r: np.ndarray) -> np.ndarray:
        """`L^-1 r` for `r` of shape `(*s)`, real or complex."""
        modes = self.transform(r, forward=True)
        return self.transform(modes * self.inverse_eigenvalues, forward=False, overwrite=True)

    def transform(self, u: np.ndarray, forward: bool, overwrite: bool = False) -> np.ndarray:
        """Coefficients of the normalised modes, or back, in the precision of `u`, whose memory may be used again."""
        from scipy import fft

        kinds = {
            (True, True): ("dst", 2),
            (True, False): ("dst", 4),
            (False, True): ("dct", 4),
            (False, False): ("dct", 2),
        }
        found = [("dst", 1) if self.at_nodes(axis) else kinds[pair] for axis, pair in enumerate(self.walls)]
        if len(set(found)) == 1:
            name, kind = found[0]
            both = getattr(fft, f"{name}n" if forward else f"i{name}n")
            return both(u, kind, norm="ortho", overwrite_x=overwrite)
        for axis, (name, kind) in enumerate(found):
            one = getattr(fft, name if forward else f"i{name}")
            u = one(u, kind, axis=axis, norm="ortho", overwrite_x=overwrite)
        return u
