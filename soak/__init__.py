"""Mixed load for a long time, and what must stay as it was meanwhile. See soak/README.md."""
