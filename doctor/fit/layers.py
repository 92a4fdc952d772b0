"""Parameters of the building blocks that models consist of; sums of them are whole parts."""

from __future__ import annotations

import math

from doctor.fit.shapes import Count


def linear(inputs: int, outputs: int, *, bias: bool = True) -> Count:
    """A linear layer; a quantiser touches its matrix, not its bias."""
    return Count(inputs * outputs, outputs if bias else 0)


def bare(*sides: int) -> Count:
    """A table, convolution or bare matrix: nothing that a quantiser of linear layers touches."""
    return Count(other=math.prod(sides))


def norm(width: int, *, bias: bool = True) -> Count:
    """A layer norm, or an RMS norm without bias."""
    return Count(other=2 * width if bias else width)


def patches(width: int, side: int, *, frames: int = 1, bias: bool = True) -> Count:
    """The convolution that turns pixels into patches."""
    return Count(other=3 * frames * side * side * width + (width if bias else 0))


def feed_forward(width: int, inner: int, *, gated: bool = False, bias: bool = True) -> Count:
    """Up and down again, with a gate in newer models."""
    up = linear(width, inner, bias=bias)
    return up + up * gated + linear(inner, width, bias=bias)


def attention(width: int, queries: int, pairs: int, *, qkv: bool = True, out: bool = True) -> Count:
    """Projections to ``queries`` and ``pairs`` (keys and values each) numbers, and back."""
    both = linear(width, pairs, bias=qkv)
    return linear(width, queries, bias=qkv) + both + both + linear(queries, width, bias=out)


def block(width: int, inner: int, *, bias: bool = True, norms: bool = True, gated: bool = False) -> Count:
    """One layer of a plain vision transformer. ``norms``: layer norms with bias, else RMS norms."""
    return (
        attention(width, width, width, qkv=bias, out=bias)
        + feed_forward(width, inner, gated=gated, bias=bias)
        + norm(width, bias=norms) * 2
    )
