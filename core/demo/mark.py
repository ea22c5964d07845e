"""How a demo's database is known: its log begins with `core.demo.begun` and, once it is whole, has `core.demo.made`."""

from __future__ import annotations

BEGUN = "core.demo.begun"
MADE = "core.demo.made"
