"""CPU time of pseudo-spectral generation against what one would write, one thread, at equal or smaller error.

- Burgers, 200 frames in t = 0 ... 2 on 1024 points of the unit torus from sums of two sine waves (those of PDEBench,
  Takamoto et al. 2022, without fold and window). Peer: `scipy.integrate.solve_ivp`, LSODA, rtol 1e-4, atol 1e-6,
  second-order central differences, without bands and with lband = uband = 2, per sample. Ours: a batch of 64, fewer
  Fourier modes where the solution has no more, and its Fourier series at the 1024 points; bringing it there counts.
- Navier-Stokes by vorticity on 64 x 64 points, with the force of Li et al. (2021), Fourier Neural Operator, section 5.3.
  Peer: the scheme that they state in appendix A.3.3, Crank-Nicolson for the viscous term and explicit Euler for the
  dealiased nonlinear term with steps of 1e-4, for the whole batch at once; a part of its steps is timed, its error is
  that of a run of 1/`PEER_SHARE` of the time.

Both sides alternate within one process; times are CPU times, medians over the repeats. Errors are relative L2 at the
stored points and times against solutions on twice the points with tighter steps, the largest over the samples.

    python scripts/benchmarks/spectral_throughput.py
"""

import os

os.environ.setdefault("OMP_NUM_THREADS", "1")



REPEATS = 3
