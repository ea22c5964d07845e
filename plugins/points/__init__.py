"""Caring points (爱心积分, M44): what people do for the neighbourhood, recorded drop by drop."""
