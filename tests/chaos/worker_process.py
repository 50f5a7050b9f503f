"""A dispatch worker that ends with the harness."""

from __future__ import annotations

from chaos.parent import die_with_parent

from dispatch_api.dispatch.worker import serve

if __name__ == "__main__":
    die_with_parent()
    serve()
