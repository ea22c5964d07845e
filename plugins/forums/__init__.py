"""Forums: open deliberation, joint meetings of bodies, and the self-governance association (M33)."""
