"""The page's one file, and the policy under which a browser shows it."""

import base64
import hashlib
import re
from importlib.resources import files


def document() -> tuple[bytes, str]:
    """Return the page and the policy that lets its own script and style run, and nothing else."""
    text = (files("oresort.runtime.page") / "page.html").read_text(encoding="utf-8")
    hashes = {}
    for tag in ("script", "style"):
        (inner,) = re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        hashes[tag] = base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
    rules = [
        "default-src 'none'",
        f"script-src 'sha256-{hashes['script']}'",
        f"style-src 'sha256-{hashes['style']}'",
        "connect-src 'self'",
        "img-src data:",
        "base-uri 'none'",
        "form-action 'none'",
        "frame-ancestors 'none'",
    ]
    return text.encode(), "; ".join(rules)
