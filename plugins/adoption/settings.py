"""What a community may tune. The source gives no numbers; these are sane defaults."""

from __future__ import annotations

from pydantic import BaseModel, ConfigDict, Field


class AdoptionSettings(BaseModel):
    """Scores are 0 to 100, terms in months, deadlines in days."""

    model_config = ConfigDict(frozen=True)

    pass_score: int = Field(default=60, ge=1, le=100, description="An inspection passes from this score (合格分).")
    term_months: int = Field(default=12, ge=1, le=120, description="Term of a new agreement (协议期限).")
    rectify_days: int = Field(default=15, ge=1, le=180, description="Days to put a failed inspection right (整改期限).")


DEFAULTS = AdoptionSettings()
