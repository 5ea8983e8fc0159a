"""What matter does to X-rays: spectra, minerals, detector response."""
