"""Scopes in the life of a process: their memory, and very many of them."""

from programs import HELD, expect_success


def test_scopes_leave_no_memory():
    code = (
        HELD
        + """
s = mx.new_stream()
def enter(times):
    for _ in range(times):
        with s, mx.default_device(mx.cpu):
            mx.set_default_stream(s)
enter(2000)
before = held()
enter(50_000)
print(held() - before)
"""
    )
    assert int(expect_success(code)) < 2 << 20


def test_very_deep_scopes():
    code = """
from contextlib import ExitStack
s = mx.new_stream()
with ExitStack() as stack:
    for _ in range(200_000):
        stack.enter_context(s)
    stack.pop_all()  # the levels go at exit, all at once
"""
    assert expect_success(code) == ""
