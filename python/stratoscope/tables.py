"""Results as tables: rows of their documents, and which array each experiment is about."""
from __future__ import annotations

from typing import Any, Callable, Mapping, Sequence

from .errors import UsageError

Row = dict[str, Any]
Document = Mapping[str, Any]


def _without_lists(entry: Mapping[str, Any]) -> Row:
    return {key: value for key, value in entry.items() if not isinstance(value, (list, dict))}


def _listed(key: str) -> Callable[[Document], list[Row]]:
    return lambda document: [_without_lists(entry) for entry in document.get(key, [])]


def _predict(document: Document) -> list[Row]:
    return [_without_lists(entry) for entry in document.get("surprisals") or document["predictions"]]


def _heatmap(document: Document) -> list[Row]:
    return [
        {"by": row["by"], "position": position, "token": token, "value": value, **clean}
        for row in document["rows"]
        for position, (token, value) in enumerate(zip(document["tokens"], row["values"]))
        for clean in [{"clean": row["clean"][position]} if "clean" in row else {}]
    ]


def _similarity(document: Document) -> list[Row]:
    if "matrices" not in document:
        return [
            {"depth": layer["label"], "pair": pair, "similarity": value}
            for layer in document["layers"]
            for pair, value in enumerate(layer["values"])
        ]
    across_layers = "labels" in document
    chosen = document["tokens"] if across_layers else document["layers"]
    names = document["labels"] if across_layers else document["tokens"]
    of, key = ("token", "token") if across_layers else ("depth", "label")
    return [
        {of: entry[key], "index": entry["index"], "row": row, "column": column, "similarity": value}
        for entry, matrix in zip(chosen, document["matrices"])
        for row, values in zip(names, matrix)
        for column, value in zip(names, values)
    ]


def _patch(document: Document) -> list[Row]:
    rows = []
    for grid in document["grids"]:
        place = grid["axes"][1]
        for layer, values in enumerate(grid["values"]):
            rows += [
                {"hook": grid["hook"], "layer": layer, "place": place, "index": index, "value": value}
                for index, value in enumerate(values)
            ]
    return rows


def _lens(document: Document) -> list[Row]:
    return [
        {"depth": layer["label"], "position": position, "rank": rank, **entry}
        for layer in document["layers"]
        for position, cell in zip(document["positions"], layer["positions"])
        for rank, entry in enumerate(cell)
    ]


def _sweep(document: Document) -> list[Row]:
    if "prompts" not in document:
        return _listed("results")(document)
    return [
        {"prompt": index, **_without_lists(entry)}
        for index, prompt in enumerate(document["prompts"])
        for entry in prompt.get("results", [])
    ]


def _score(document: Document) -> list[Row]:
    if "items" not in document:
        return [{"text": index, **_without_lists(entry)} for index, entry in enumerate(document["texts"])]
    return [
        {"item": index, "choice": choice, "label": item["label"], **_without_lists(entry)}
        for index, item in enumerate(document["items"])
        for choice, entry in enumerate(item["choices"])
    ]


def _distributions(document: Document) -> list[Row]:
    return [
        {"hook": hook["hook"], **_without_lists(block)} for hook in document["hooks"] for block in hook["blocks"]
    ]


def _tokens(document: Document) -> list[Row]:
    if "texts" in document:
        return _listed("texts")(document)
    return [
        {"position": position, "id": id_, "token": token, "begin": begin, "end": end}
        for position, (id_, token, (begin, end)) in enumerate(
            zip(document["ids"], document["tokens"], document["offsets"])
        )
    ]


_ROWS: dict[str, Callable[[Document], list[Row]]] = {
    "tokens": _tokens,
    "predict": _predict,
    "score": _score,
    "heatmap": _heatmap,
    "activations": _listed("layers"),
    "distributions": _distributions,
    "similarity": _similarity,
    "sweep": _sweep,
    "patch": _patch,
    "ablate": _listed("ablations"),
    "edges": _listed("edges"),
    "steer": _listed("results"),
    "compare": _listed("units"),
    "generate": _listed("tokens"),
    "lens": _lens,
    "attention": _listed("heads"),
    "attribution": _listed("components"),
    "geometry": _listed("layers"),
    "embeddings": _listed("words"),
    "verify": _listed("hook_points"),
    "weights": _listed("tensors"),
}

# The array that an experiment is about; where there are several, the first one that the result has.
_MAIN_ARRAYS: dict[str, tuple[str, ...]] = {
    "tokens": ("ids", "tokens"),
    "predict": ("surprisals", "probs"),
    "score": ("nats", "log_probs"),
    "heatmap": ("values",),
    "activations": ("values",),
    "distributions": ("counts",),
    "similarity": ("values",),
    "sweep": ("values",),
    "patch": ("hook_resid_pre", "hook_resid_post"),
    "ablate": ("head", "attn", "mlp", "block", "neurons"),
    "edges": ("values",),
    "steer": ("values",),
    "compare": ("d",),
    "generate": ("ids",),
    "lens": ("target_prob",),
    "attention": ("patterns", "induction"),
    "attribution": ("components",),
    "geometry": ("norms",),
    "embeddings": ("vectors",),
    "verify": ("max_rel",),
    "weights": ("rows", "counts"),
}


def main_array(experiment: str, document: Document, arrays: Mapping[str, Any]) -> str:
    """The name of the array that is `values`."""
    for name in _MAIN_ARRAYS.get(experiment, ()):
        if name in arrays:
            return name
    raise UsageError(
        f"a result of {experiment} has no single array", "result", "it has " + (", ".join(arrays) or "none")
    )


def rows(experiment: str, document: Document) -> list[Row]:
    """The table of a document, row by row."""
    return _ROWS.get(experiment, lambda _: [])(document)


def columns(table: Sequence[Row]) -> dict[str, list[Any]]:
    """The table by columns, in the order in which they appear."""
    names = dict.fromkeys(name for row in table for name in row)
    return {name: [row.get(name) for row in table] for name in names}


def cell_text(value: Any) -> str:
    if isinstance(value, float):
        return f"{value:.4g}"
    if isinstance(value, str):
        return repr(value) if value != value.strip() or not value.isprintable() else value
    return "" if value is None else str(value)


def as_text(experiment: str, document: Document, most: int = 12) -> str:
    """The table for a terminal, at most `most` rows of it."""
    table = rows(experiment, document)
    head = f"{experiment} ({document.get('model', {}).get('name', '?')})"
    if experiment == "generate":
        samples = [f"seed {sample['seed']}: {sample['text']}" for sample in document.get("samples", [])]
        return "\n".join([head, *(samples or [str(document.get("text", ""))])])
    shown = columns(table[:most])
    cells = [[name, *(cell_text(value) for value in values)] for name, values in shown.items()]
    widths = [max(len(cell) for cell in column) for column in cells]
    lines = [
        "  ".join(column[line].ljust(width) for column, width in zip(cells, widths)).rstrip()
        for line in range(len(table[:most]) + 1 if cells else 0)
    ]
    if len(table) > most:
        lines.append(f"… {len(table)} rows")
    lines += ["warning: " + text for text in document.get("warnings", [])]
    return "\n".join([head, *lines])
