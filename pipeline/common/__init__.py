"""What every room uses: the command line, files, units, settings, experiments, manifests."""
