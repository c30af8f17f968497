//! Routing: which destinations an event goes to, and why. Pure.
