"""What may become of a reservation."""

from collections.abc import Mapping

HELD, COMMITTED, RELEASED, REFUSED = "held", "committed", "released", "refused"

#: From each status to those that may follow. A released one was given back, or was
#: cancelled before it was made; a refused one found too little stock.
TRANSITIONS: Mapping[str, tuple[str, ...]] = {
    HELD: (COMMITTED, RELEASED, REFUSED),
    COMMITTED: (RELEASED,),
    RELEASED: (),
    REFUSED: (),
}
