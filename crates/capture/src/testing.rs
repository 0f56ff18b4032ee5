//! Checks that any implementation of a trait of this room must pass.
