"""Whole screens: composition and flow."""
