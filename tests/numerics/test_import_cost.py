"""What the kernels do not load: sympy takes more than a second."""

import subprocess
import sys

USE = """
import sys, torch
from sciml.numerics import TaylorMode
from sciml.pdes.exact import TaylorGreen
from sciml.solvers import Projection

points = torch.rand(4, 1, dtype=torch.float64)
taylor = TaylorMode(points, ["x"], [(2,)])
u = taylor.evaluate(torch.nn.Linear(1, 1).double(), ["u"])["u"]
u + torch.ones(4, dtype=torch.float64)
problem = TaylorGreen().problem(8, 8, times=[0.0, 0.1])
Projection(dt=0.05).solve(problem)
print("sympy" in sys.modules)
"""


def test_jets_and_flows_do_not_load_sympy():
    run = subprocess.run([sys.executable, "-c", USE], capture_output=True, text=True, check=True)
    assert run.stdout.strip() == "False"
