"""What lies on disk: images, lines of a scan, layout, manifest, records; written whole or not at all."""
