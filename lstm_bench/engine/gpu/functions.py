"""What the kernels share: one step of each cell and its derivative, and the two products.

A tile is (units, sequences). The equations are those of the cells' docstrings; a derivative da
stands for dL/da, and those of gates are taken before the nonlinearity.
"""

import triton
import triton.language as tl


@triton.jit
def tanh(x):
    """To about 2 units in the last place: a series near zero, where 1 - e^{-2|x|} cancels."""
    a = tl.abs(x)
    e = tl.exp(-2.0 * a)
    far = (1.0 - e) / (1.0 + e)
    s = x * x
    near = a * (1 + s * (-1 / 3 + s * (2 / 15 + s * (-17 / 315 + s * 62 / 2835))))
    size = tl.where(a < 0.25, near, far)
    return tl.where(x < 0, -size, size)


@triton.jit
def sigmoid(x):
    return 1.0 / (1.0 + tl.exp(-x))


@triton.jit
def lstm_step(o, f, i, g, c):
    """The gates (g is the candidate), c_t and h_t, from the gates' arguments and c_{t-1}."""
    o, f, i, g = sigmoid(o), sigmoid(f), sigmoid(i), tanh(g)
    c = f * c + i * g
    return o, f, i, g, c, o * tanh(c)


@triton.jit
def lstm_back(dh, dc, o, f, i, g, c, last):
    """do, df, di, dg and dc_{t-1}; `last` is c_{t-1}, dc comes from the step after."""
    m = tanh(c)
    dc += dh * o * (1.0 - m * m)
    do = dh * m * o * (1.0 - o)
    df = dc * last * f * (1.0 - f)
    di = dc * g * i * (1.0 - i)
    dg = dc * i * (1.0 - g * g)
    return do, df, di, dg, dc * f


@triton.jit
def gru_step(u, r, z, a, h):
    """r, z, n and h_t, from u = U_n h_{t-1} + b_u, the gates' arguments and a = W_n x_t + b_n."""
    r, z = sigmoid(r), sigmoid(z)
    n = tanh(a + r * u)
    return r, z, n, n + z * (h - n)


@triton.jit
def gru_back(dh, u, r, z, n, last):
    """du, dr, dz, dn and the part of dh_{t-1} that passes no matrix; `last` is h_{t-1}."""
    dz = dh * (last - n) * z * (1.0 - z)
    dn = dh * (1.0 - z) * (1.0 - n * n)
    return dn * r, dn * u * r * (1.0 - r), dz, dn, dh * z


@triton.jit
def plain_step(z, RELU: tl.constexpr):
    if RELU:
        return tl.where(z < 0, 0.0, z)  # not maximum(z, 0), which may swallow a NaN
    else:
        return tanh(z)


@triton.jit
def plain_back(dh, h, RELU: tl.constexpr):
    if RELU:
        return tl.where(h > 0, dh, 0.0)
    else:
        return dh * (1.0 - h * h)


@triton.jit
def factor(x, PRECISION: tl.constexpr):
    """A factor of a product, as the tensor cores are to read it."""
    if PRECISION == "bf16":
        return x.to(tl.bfloat16)
    else:
        return x


@triton.jit
def product(a, b, PRECISION: tl.constexpr):
    """a @ b in float32 sums; `a` has passed through `factor`, `b` has not."""
    if PRECISION == "bf16":
        return tl.dot(a, b.to(tl.bfloat16))
    else:
        return tl.dot(a, b, input_precision=PRECISION)


@triton.jit
def affine(
    W, bias, x, gate, units, columns, H: tl.constexpr, D: tl.constexpr, B: tl.constexpr,
    BH: tl.constexpr, BB: tl.constexpr, BD: tl.constexpr, PRECISION: tl.constexpr,
):  # fmt: skip
    """bias + W x for the units of one gate; W (G H, D), bias (G H) and x (D, B) are pointers.

    Few inputs are added one by one: a product would pad them to 16.
    """
    rows, u, b = gate * H + units, units < H, columns < B
    total = tl.load(bias + rows, mask=u, other=0.0)[:, None] + tl.zeros((BH, BB), tl.float32)
    if D < 16:
        w, part = W + rows * D, x + columns
        for d in tl.static_range(D):
            left = tl.load(w + d, mask=u, other=0.0)
            total += left[:, None] * tl.load(part + d * B, mask=b, other=0.0)[None, :]
    else:
        for first in range(0, D, BD):
            k = first + tl.arange(0, BD)
            there = u[:, None] & (k < D)[None, :]
            left = tl.load(W + rows[:, None] * D + k[None, :], mask=there, other=0.0)
            there = (k < D)[:, None] & b[None, :]
            right = tl.load(x + k[:, None] * B + columns[None, :], mask=there, other=0.0)
            total += product(factor(left, PRECISION), right, PRECISION)
    return total


@triton.jit
def square(
    U, gate, H: tl.constexpr, BH: tl.constexpr, TRANSPOSED: tl.constexpr, PRECISION: tl.constexpr
):
    """U of one gate (H, H) or its transpose, padded with zeros to (BH, BH)."""
    k = tl.arange(0, BH)
    there = (k < H)[:, None] & (k < H)[None, :]
    at = k[None, :] * H + k[:, None] if TRANSPOSED else k[:, None] * H + k[None, :]
    return factor(tl.load(U + gate * H * H + at, mask=there, other=0.0), PRECISION)
