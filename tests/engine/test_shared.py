import pytest
import torch

from mtl.engine.shared import PIECE, gramian, inner


@pytest.mark.parametrize("length", [1, 7, PIECE - 1, PIECE, PIECE + 1, 3 * PIECE + 5])
def test_equals_the_plain_product_at_any_length(length):
    rows = torch.randn(3, length, dtype=torch.float64, generator=torch.Generator().manual_seed(length))
    torch.testing.assert_close(gramian(rows), rows @ rows.T, rtol=1e-12, atol=1e-9)
    torch.testing.assert_close(inner(rows[0], rows[1]), rows[0] @ rows[1], rtol=1e-12, atol=1e-9)


def test_long_float32_rows_keep_what_tells_them_apart():
    first = torch.randn(4_000_000, generator=torch.Generator().manual_seed(0))
    rows = torch.stack([first, first * (1 + 1e-3)])
    exact = rows.double() @ rows.double().T
    assert gramian(rows).dtype == torch.float64
    torch.testing.assert_close(gramian(rows), exact, rtol=5e-6, atol=0)
    torch.testing.assert_close(inner(rows[0], rows[1]), exact[0, 1], rtol=5e-5, atol=0)
