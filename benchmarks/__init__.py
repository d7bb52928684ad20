"""bin/bench: the same orders through Waybill, what a team would otherwise write, and
bare scripts. README.md says what is measured.
"""
