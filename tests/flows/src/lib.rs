//! End-to-end flows over a real AT Protocol network and real relays: see `tests/`.
