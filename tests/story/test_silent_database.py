"""Every database connection of relay and workers goes silent at once."""

from urllib.parse import urlsplit

from orders_project.messaging.models import Attempt, DeadLetter
from tests.faults.proxy import Proxy
from tests.processes import environment
from tests.story.conftest import running

#: After the silence begins; the promise is 30 s.
WITHIN = 30


def test_orders_finish_again_within_thirty_seconds_and_no_attempt_is_counted(shop):
    url = environment()["DATABASE_URL"]
    port = urlsplit(url).port
    proxy = Proxy(port)
    through = url.replace(f":{port}/", f":{proxy.port}/")
    with running(**shop.settings, DATABASE_URL=through):
        shop.wait_for(shop.order(), "completed")
        assert proxy.silence() >= 2
        shop.wait_for(shop.order(), "completed", within=WITHIN)
        shop.verify()
    proxy.close()
    assert not Attempt.objects.exists()
    assert not DeadLetter.objects.exists()
