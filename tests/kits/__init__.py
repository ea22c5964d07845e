"""What tests of several files share: by plugin, how its mechanism is played; else, by what it is."""
