"""Signal processing in TensorFlow: harmonics, filtered noise, reverb, spectra, spectral loss."""
