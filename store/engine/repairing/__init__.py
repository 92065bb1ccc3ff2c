"""Putting right what `verify` found damaged, from whatever still holds the same bytes."""
