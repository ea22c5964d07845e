"""Data in and out: the spreadsheets a community has, checked, staged and taken in whole or not at all; lists as files.

`sheets` says what a spreadsheet may hold, `core_sheets` what core's own look like; `read` opens a file, `stage` checks
it against itself and the database, `apply` writes it in one short transaction; `write` makes files.
"""
