"""bin/load: Waybill alone under load, each claim about it with its figure and its bar.

A load is a function in a file of its own, and a row in table.py.
"""
