"""A network is the solution."""
