"""A mutation run over `core`, `service` and `store`, their SQL files included: `make mutants`.

Each mutant is the code with one small fault. A test that fails with it kills it; one that nobody
kills is a missing test, or explained in `survivors.toml` and `docs/reliability.md`.
"""
