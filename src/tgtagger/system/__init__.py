"""What the operating system offers: files, locks, signals, mounts, terminals."""
