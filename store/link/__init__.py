"""The way to the daemon of a workspace: how a verb of the facade is carried to it and back."""
