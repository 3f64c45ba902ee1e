"""How results are shown in a notebook."""
from __future__ import annotations

import html
from typing import TYPE_CHECKING, Any, Optional, Sequence

from . import tables
from .errors import Error

if TYPE_CHECKING:
    from .results import Result

VEGA_LITE = "application/vnd.vegalite.v5+json"


def bundle(result: Result, include: Optional[Sequence[str]], exclude: Optional[Sequence[str]]) -> dict[str, Any]:
    """The figure as Vega-Lite and as HTML with inline SVG, and the table as text; a front end takes what it can show.

    A figure that cannot be drawn here is left out, with the reason.
    """
    shown: dict[str, Any] = {"text/plain": repr(result)}
    wanted = set(include) if include is not None else {VEGA_LITE, "text/html", "text/plain"}
    wanted -= set(exclude or ())
    one_text = result.experiment == "generate" and "samples" not in result.json
    if one_text or not result.has_figure():
        shown["text/html"] = _table(result)
        return {kind: content for kind, content in shown.items() if kind in wanted}
    if VEGA_LITE in wanted:
        shown[VEGA_LITE] = result.vega_lite
    if "text/html" in wanted:
        try:
            shown["text/html"] = _with_notes(_inline(result.figure("svg").decode()), result)
        except Error as error:
            shown["text/html"] = f"<p>{html.escape(str(error))}</p>" + _table(result)
    return {kind: content for kind, content in shown.items() if kind in wanted}


def _inline(svg: str) -> str:
    """The figure without the declaration that a file begins with."""
    start = svg.find("<svg")
    return svg[start:] if start >= 0 else svg


def _with_notes(figure: str, result: Result) -> str:
    notes = "".join(f"<p><small>⚠ {html.escape(warning)}</small></p>" for warning in result.warnings)
    return f'<div style="max-width:100%;overflow-x:auto;background:#fff;color:#222">{figure}{notes}</div>'


def _table(result: Result, most: int = 20) -> str:
    if result.experiment == "generate":
        document = result.json
        return (
            f'<p style="white-space:pre-wrap">{html.escape(document["prompt"])}'
            f'<b>{html.escape(document["text"])}</b></p>'
        )
    shown = tables.columns(tables.rows(result.experiment, result.json)[:most])
    head = "".join(f"<th>{html.escape(name)}</th>" for name in shown)
    lines = zip(*shown.values())
    cells = ("".join(f"<td>{html.escape(tables.cell_text(value))}</td>" for value in line) for line in lines)
    body = "".join(f"<tr>{line}</tr>" for line in cells)
    return _with_notes(f"<table><tr>{head}</tr>{body}</table>", result)
