"""What people mistype is an error that names the option and says what it takes."""

import pytest
from django.core.management import CommandError, call_command

DEMO = ("run_demo", "--url", "http://127.0.0.1:9")


@pytest.mark.parametrize(
    ("words", "limits"),
    [
        (("dead", "list", "--limit", "-1"), "whole number from 1 to 1000000"),
        (("queues", "--watch", "-1"), "number from 0.1 to 86400"),
        (("queues", "--watch", "inf"), "number from 0.1 to 86400"),
        (("stats", "--hours", "-1"), "whole number from 1 to 87600"),
        (("stats", "--hours", "99999999999"), "whole number from 1 to 87600"),
        (("stats", "--hours", "1.5"), "whole number from 1 to 87600"),
        (("verify", "--wait", "nan"), "number from 0 to 86400"),
        (("verify", "--wait", "soon"), "number from 0 to 86400"),
        (("reconcile", "--grace", "nan"), "number from 0 to 31536000"),
        (("place_orders", "--orders", "0"), "whole number from 1 to 1000000"),
        ((*DEMO, "--orders", "0"), "whole number from 1 to 1000000"),
        ((*DEMO, "--rate", "0"), "number from 0.01 to 10000"),
        ((*DEMO, "--rate", "nan"), "number from 0.01 to 10000"),
        (("analytics", "--hours", "0"), "whole number from 1 to 2160"),
        (("receive_stock", "A", "--units", "0"), "whole number from 1 to 2147483647"),
        (("receive_stock", "--units", "9" * 14), "whole number from 1 to 2147483647"),
    ],
)
def test_a_number_beyond_its_limits_is_refused(words, limits):
    *_, option, value = words
    with pytest.raises(CommandError) as refused:
        call_command(*words)
    assert f"argument {option}: '{value}' is no {limits}" in str(refused.value)
