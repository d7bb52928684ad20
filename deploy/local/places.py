"""Where things are: the checkout, its virtual environment, and the folder of the
running systems.
"""

from pathlib import Path

ROOT = Path(__file__).resolve().parents[2]
VENV = ROOT / ".venv"
RUN = ROOT / ".run"
