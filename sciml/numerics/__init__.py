"""See the package map in the guide."""
