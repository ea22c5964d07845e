"""What texts hold in which something is written: rows that are made up hold it too."""

SAID: dict[tuple[str, str], str] = {
    ("ballots_ballot", "tally"): "[]",
    ("councils_body", "matters"): "|FUNDS|",
    ("councils_composition_check", "counts"): '{"RESIDENT": 1}',
    ("councils_composition_check", "violations"): '[["RESIDENT", 1, 2, 3]]',
    ("councils_constituted", "matters"): "|",
    ("councils_report", "figures"): '{"meetings": 1}',
    ("councils_seat", "categories"): "|RESIDENT|WOMEN|",
    ("disclosure_record", "body"): "{}",
    ("disclosure_rest_days", "rest"): '["2026-10-01"]',
    ("disclosure_rest_days", "work"): "[]",
    ("forums_resolution", "options"): '["方案甲", "方案乙"]',
    ("forums_resolution", "tally"): '{"方案甲": 1}',
    ("new_residents_point", "closures"): '["2025-10-01"]',
    ("new_residents_point", "hours"): '[[1, "08:30", "12:00"]]',
}
