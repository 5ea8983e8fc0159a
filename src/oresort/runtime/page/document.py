"""How a page looks, the live page's one file, and the policy under which a browser shows a page."""

import base64
import hashlib
import re
from importlib.resources import files


def look() -> str:
    """Return the style that the live page shares with those that are kept."""
    return (files("oresort.runtime.page") / "look.css").read_text(encoding="utf-8").strip()


def policy(text: str, *rules: str) -> str:
    """Return the policy that lets a page's own script and style run and its own pictures show, and `rules`."""
    own = []
    for tag in ("script", "style"):
        hashes = [
            base64.b64encode(hashlib.sha256(inner.encode()).digest()).decode()
            for inner in re.findall(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        ]
        own.append(f"{tag}-src " + (" ".join(f"'sha256-{one}'" for one in hashes) or "'none'"))
    return "; ".join(["default-src 'none'", *own, "img-src data:", "base-uri 'none'", "form-action 'none'", *rules])


def document() -> tuple[bytes, str]:
    """Return the live page and its policy; all that it may ask for are its sorter's messages."""
    text = (files("oresort.runtime.page") / "page.html").read_text(encoding="utf-8").replace("{{look}}", look())
    return text.encode(), policy(text, "connect-src 'self'", "frame-ancestors 'none'")
