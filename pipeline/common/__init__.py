"""Shared by every room: command line, files, units, settings, experiments and manifests."""
