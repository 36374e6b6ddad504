"""The web page for translating while typing."""

import base64
import hashlib
import re
from importlib import resources

from fastapi import FastAPI, Response

from keras_seq2seq.plots.beam_page import read_beam_template

_FILES = {
    "/": ("page.html", "text/html"),
    "/page.css": ("page.css", "text/css"),
    "/page.js": ("page.js", "text/javascript"),
}


def add_page(app: FastAPI):
    """Adds the page and its files to an application."""
    template = read_beam_template()
    pages = {
        path: (resources.files(__name__).joinpath(name).read_text(encoding="utf-8"), media_type)
        for path, (name, media_type) in _FILES.items()
    }
    pages["/beam.html"] = template, "text/html"
    # Nothing is loaded from other hosts. Of the beam page, which is shown in a frame of the page
    # and inherits its policy, exactly the style and the script are allowed.
    policy = (
        "default-src 'none'; connect-src 'self'; base-uri 'none'; form-action 'none'; "
        "frame-ancestors 'none'; img-src data:; "
        f"script-src 'self' {_hash(template, '<script>')}; "
        f"style-src 'self' {_hash(template, '<style>')}"
    )
    headers = {
        "Content-Security-Policy": policy,
        "Cache-Control": "no-cache",
        "Referrer-Policy": "no-referrer",
    }
    for path, (content, media_type) in pages.items():
        app.add_route(path, _make_endpoint(content, media_type, headers), include_in_schema=False)


def _make_endpoint(content: str, media_type: str, headers: dict[str, str]):
    async def page(request):
        return Response(content, headers=headers, media_type=media_type)

    return page


def _hash(page: str, tag: str) -> str:
    """Returns the source expression for the content of the only element with a tag."""
    (content,) = re.findall(f"{tag}(.*?){tag.replace('<', '</')}", page, re.DOTALL)
    digest = hashlib.sha256(content.encode("utf-8")).digest()
    return f"'sha256-{base64.b64encode(digest).decode()}'"
