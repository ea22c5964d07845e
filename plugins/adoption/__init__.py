"""Adopt-a-spot (认领认管, M12): people and companies look after greens, spaces, facilities and trees."""
