"""The version of this package, which both sides of a daemon's socket must have."""

VERSION = "0.1.0"
