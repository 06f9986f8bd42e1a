"""Names nobody should choose, and that must do no harm."""

from __future__ import annotations

HOSTILE = (
    "</script><script>document.title='PWNED'</script>",
    '"><img src=x onerror="document.title=`PWNED`">',
    "' onmouseover='document.title=1",
    "../../../etc/passwd",
    "a b/c\\d",
    "$(touch PWNED); `touch PWNED` | tee PWNED &",
    "$\\frac{1}$ {x} %s {{ 7 * 7 }}",
    "'; DROP TABLE runs; --",
    "😀 ü \u202etxt.exe",
    "x" * 300,
    "\u2028<!--",
    "javascript:alert(1)",
    "__proto__",
)
