"""The library's figures drawn by Matplotlib, from their Vega-Lite specifications: the marks that the library writes."""
from __future__ import annotations

import re
from typing import Any, Callable, Optional

import numpy as np

from .errors import UsageError

Spec = dict[str, Any]


def draw(spec: Spec, ax: Any, panel: int) -> Any:
    """One panel of the figure on the axes, or on new ones."""
    panels = spec["concat"]
    if not -len(panels) <= panel < len(panels):
        raise UsageError(f"the figure has {len(panels)} panels, and no panel {panel}", "figure")
    if ax is None:
        import matplotlib.pyplot

        ax = matplotlib.pyplot.subplots(layout="constrained")[1]
    _Panel(spec, panels[panel], ax).draw()
    return ax


def _text(title: Any) -> str:
    content = title.get("text", "") if isinstance(title, dict) else title
    return "\n".join(content) if isinstance(content, list) else str(content or "")


class _Panel:
    def __init__(self, spec: Spec, panel: Spec, ax: Any) -> None:
        self._params = {param["name"]: param.get("value") for param in spec.get("params", [])}
        self._panel = panel
        self._ax = ax
        self._title = _text(panel.get("title")) or _text(spec.get("title"))

    def draw(self) -> None:
        legend = False
        for layer in self._panel["layer"]:
            inner = layer.get("layer")
            for part in inner if inner else [layer]:
                # A part of a layer shares its data and its transforms.
                whole = {**{key: layer[key] for key in ("data", "transform") if inner and key in layer}, **part}
                legend |= self._mark(whole)
        self._axes()
        self._ax.set_title(self._title)
        if legend:
            self._ax.legend()

    def _mark(self, layer: Spec) -> bool:
        """Draws one mark, and says whether it has an entry in a legend."""
        mark = layer["mark"]
        kind = mark["type"]
        values = layer["data"]["values"]
        encoding = layer["encoding"]
        label = encoding.get("color", {}).get("datum") if isinstance(encoding.get("color"), dict) else None
        if kind == "rect" and values and "values" in values[0]:
            self._heat_map(values, encoding)
        elif kind == "rect":
            self._bars(layer)
        elif kind == "circle":
            self._circles(layer)
        elif kind == "line":
            for line in self._lines(layer):
                xs = [point["x"] for point in line]
                ys = [np.nan if point["y"] is None else point["y"] for point in line]
                style = "o-" if mark.get("point") else "-"
                self._ax.plot(
                    xs, ys, style, color=mark.get("color"), linewidth=mark.get("strokeWidth"),
                    alpha=mark.get("opacity"), markersize=4, label=label,
                )  # fmt: skip
        elif kind == "rule":
            for rule in values:
                self._ax.axhline(rule["y"], linestyle="--", linewidth=1.2, color=mark.get("color"))
        elif kind == "text":
            self._texts(layer)
        else:
            raise UsageError(f"Matplotlib is not taught the mark '{kind}'", "figure")
        return label is not None

    def _lines(self, layer: Spec) -> list[list[Spec]]:
        detail = layer["encoding"].get("detail", {}).get("field")
        lines: dict[Any, list[Spec]] = {}
        for point in layer["data"]["values"]:
            lines.setdefault(point.get(detail), []).append(point)
        return list(lines.values())

    def _colors(self, layer: Spec, color: Any) -> Callable[[Spec], Any]:
        """The colour of a datum: looked up in a parameter by an index, on a scale, or the mark's."""
        for step in layer.get("transform", []):
            match = re.fullmatch(r"(\w+)\[datum\.(\w+)\]", str(step.get("calculate", "")))
            if match and step.get("as") == "color":
                colors, key = self._params[match[1]], match[2]
                return lambda datum: colors[datum[key]]
        encoded = layer["encoding"].get("color")
        if isinstance(encoded, dict) and encoded.get("scale") and "field" in encoded and encoded["field"] != "color":
            scaled, norm = self._map(encoded["scale"])
            field = encoded["field"]
            return lambda datum: scaled(norm(datum[field]))
        return lambda datum: datum.get("color", color)

    def _map(self, scale: Spec) -> tuple[Any, Any]:
        from matplotlib.colors import LinearSegmentedColormap, Normalize

        domain, colors = scale["domain"], scale["range"]
        low, high = domain[0], domain[-1]
        width = (high - low) or 1.0
        stops = [((at - low) / width, color) for at, color in zip(domain, colors)]
        stops[0], stops[-1] = (0.0, stops[0][1]), (1.0, stops[-1][1])
        return LinearSegmentedColormap.from_list("stratoscope", stops), Normalize(low, high, clip=True)

    def _heat_map(self, rows: list[Spec], encoding: Spec) -> None:
        cells = np.array([[np.nan if v is None else v for v in row["values"]] for row in rows], np.float64)
        colors = encoding["color"]
        scaled, norm = self._map(colors["scale"])
        image = self._ax.imshow(cells, cmap=scaled, norm=norm, aspect="auto", interpolation="nearest")
        legend = colors.get("legend")
        if legend:
            self._ax.figure.colorbar(image, ax=self._ax, label=_text(legend.get("title")))

    def _bars(self, layer: Spec) -> None:
        values = [datum for datum in layer["data"]["values"] if datum["value"] is not None]
        at = [datum["i"] for datum in values]
        sizes = [datum["value"] for datum in values]
        color = self._colors(layer, layer["mark"].get("color"))
        colors = [color(datum) for datum in values]
        if layer["encoding"]["x"].get("field") == "value":
            self._ax.barh(at, sizes, 0.76, color=colors)
        else:
            self._ax.bar(at, sizes, 0.76, color=colors)

    def _circles(self, layer: Spec) -> None:
        mark, values = layer["mark"], [d for d in layer["data"]["values"] if d["x"] is not None and d["y"] is not None]
        color = self._colors(layer, mark.get("color"))
        xs = [datum["x"] for datum in values]
        self._ax.scatter(
            xs, [datum["y"] for datum in values], s=mark.get("size", 20) / 2, c=[color(datum) for datum in values],
            alpha=mark.get("opacity"), linewidths=0,
        )  # fmt: skip

    def _texts(self, layer: Spec) -> None:
        mark, encoding = layer["mark"], layer["encoding"]
        size = 0.7 * mark.get("fontSize", 10)
        for datum in layer["data"]["values"]:
            shown, color = datum["label"], datum.get("color", mark.get("color"))
            if "value" in encoding["x"]:  # pixels from the upper left corner
                x = encoding["x"]["value"] / self._panel["width"]
                y = 1 - encoding["y"]["value"] / self._panel["height"]
                self._ax.text(
                    x, y, shown, transform=self._ax.transAxes, fontsize=size, color=color,
                    ha=mark.get("align", "center"), va="center",
                )  # fmt: skip
            else:
                self._ax.text(
                    datum["x"], datum["y"], shown, fontsize=size, color=color, ha="center", va="center", clip_on=True
                )

    def _axes(self) -> None:
        seen: set[str] = set()
        for layer in self._panel["layer"]:
            for part in layer.get("layer") or [layer]:
                for name in ("x", "y"):
                    encoding = part["encoding"].get(name, {})
                    if name not in seen and "axis" in encoding and "scale" in encoding:
                        seen.add(name)
                        self._axis(name, encoding)

    def _axis(self, name: str, encoding: Spec) -> None:
        axis, scale = encoding["axis"], encoding["scale"]
        self._ax.set(**{f"{name}label": _text(axis.get("title"))})
        if scale.get("type") == "log":
            self._ax.set(**{f"{name}scale": "log"})
        limits = list(scale["domain"])
        self._ax.set(**{f"{name}lim": limits[::-1] if scale.get("reverse") else limits})
        match = re.fullmatch(r"(\w+)\[datum\.value\]", str(axis.get("labelExpr", "")))
        if match:
            labels, places = self._params[match[1]], [int(value) for value in axis["values"]]
            set_ticks = self._ax.set_xticks if name == "x" else self._ax.set_yticks
            set_ticks(places, [labels[place] for place in places], rotation=90 if axis.get("labelAngle") else 0)
        numbers = re.match(r"format\((\S+) ([+-]) \(datum\.value \+ 0\.5\) \* (\S+),", str(axis.get("labelExpr", "")))
        if numbers:  # along the cells of a heat map
            first, step = float(numbers[1]), float(numbers[3]) * (1 if numbers[2] == "+" else -1)
            set_ticks = self._ax.set_xticks if name == "x" else self._ax.set_yticks
            set_ticks(axis["values"], [f"{first + step * (place + 0.5):.6g}" for place in axis["values"]])
