"""What a process learns from shard to shard about the methods of an adaptive data set."""

from dataclasses import dataclass
from typing import Any

from sciml.datagen.recipe import Recipe
from sciml.linalg import BanditSolver, Learned
from sciml.linalg.structure import label

#: What this process has learned so far, by the hash of the recipe.
_KNOWN: dict[str, Learned] = {}


@dataclass(frozen=True)
class Learning:
    """Goes on from what earlier shards of this process have taught, and tells what a shard was solved by.

    Only for choices that depend on times: those that can be repeated begin anew with every shard, whose bits must not
    depend on who makes it.

    Args:
        solver: that chooses.
        recipe_hash: of the recipe.
    """

    solver: BanditSolver
    recipe_hash: str

    @classmethod
    def of(cls, recipe: Recipe) -> "Learning | None":
        """`None` for a recipe whose solver does not learn from times."""
        solver = getattr(recipe.solver, "linear_solver", None)
        if not isinstance(solver, BanditSolver) or solver.cost.reproducible:
            return None
        return cls(solver, recipe.hash)

    def start(self) -> Learned:
        """What the first system of a shard is handed."""
        return _KNOWN.get(self.recipe_hash) or self.solver.start()

    def end(self, state: Learned) -> dict[str, Any]:
        """Keeps what was learned; the manifest's account of the shard, in the order of the methods.

        Args:
            state: what the last system has left.
        """
        before = self.start()
        _KNOWN[self.recipe_hash] = state.afresh()
        return {
            "methods": [label(solver) for solver in self.solver.solvers],
            "systems": [after - n for after, n in zip(state.uses, before.uses, strict=True)],
            "failures": [after - n for after, n in zip(state.failures, before.failures, strict=True)],
            "probabilities": state.bandit.probabilities().tolist(),
        }
