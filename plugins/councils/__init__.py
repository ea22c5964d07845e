"""Councils: bodies with seats, meetings and resolutions; charters; delegated powers (M01–M05, M10, M46)."""
