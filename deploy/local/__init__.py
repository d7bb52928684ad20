"""A whole Waybill system on this machine, without containers, under one supervisor.

Each system (dev, demo-PID, test-PID) has a folder in .run/ with its data, its ports and
its passwords; nothing is shared with a system service or with another system. Run it
with `python -m deploy.local --help`.
"""
