"""Disclosure (宣传公示, M43): sealed notices, objections, and decisions that wait for them."""
