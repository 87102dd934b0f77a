//! The guard: whether a request was sent by our own page (R36–R40, R43).
