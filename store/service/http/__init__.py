"""The HTTP server of one workspace: an optional extra, loaded by `stepwell serve` alone."""
