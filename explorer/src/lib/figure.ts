// A view as a figure, drawn by the server, and as a table, written here.
import { SIDES } from "./compare";
import type { ViewRequest } from "./live.svelte";
import type { Scale } from "./palette";
import { state as shared, type Compare } from "./state.svelte";

export type Mark =
  | { type: "heatmap"; values: (number | null)[][]; texts?: string[][] }
  | { type: "points"; columns: (number | null)[][] }
  | { type: "line"; label?: string; x: number[]; y: (number | null)[]; markers?: boolean }
  | { type: "bars"; values: number[]; horizontal?: boolean; by_category?: boolean }
  | { type: "reference"; label: string; y: number };

interface Axis {
  title?: string;
  ticks?: string[];
  range?: [number, number];
}
export interface Panel {
  title?: string;
  x?: Axis;
  y?: Axis;
  marks: Mark[];
}
export interface Figure {
  title: string;
  panels: Panel[];
  side_by_side?: boolean;
  color?: { map: "plasma" | "diverging"; title: string; low: number; high: number; no_bar?: boolean };
}

export interface Table {
  columns: string[];
  rows: (string | number | null)[][];
}

// One export of a view.
export interface Saving {
  view: string; // for the names of files and the command line
  name?: string; // for a view with several pictures
  about: ViewRequest["body"]; // its text, model and edits
  side: Compare;
  figure: () => Figure;
  table: () => Table;
  json: () => object;
  arrays?: { path: string; body: object }; // the request for them as npz
}

export const colorOf = (scale: Scale, title: string): Figure["color"] => ({ map: scale.signed ? "diverging" : "plasma", title, low: scale.low, high: scale.high });

// The colours of depths, without a colour bar, since an axis has them.
export const colorOfDepths = (depths: number): Figure["color"] => ({ map: "plasma", title: "depth", low: 0, high: Math.max(1, depths - 1), no_bar: true });

const finite = (value: number): number | null => (Number.isFinite(value) ? value : null);

// The rows of a matrix in row-major order.
export function rowsOf<T = number>(values: ArrayLike<number>, cols: number, as: (value: number) => T = finite as (value: number) => T): T[][] {
  return Array.from({ length: cols ? values.length / cols : 0 }, (_, r) => Array.from({ length: cols }, (_, c) => as(values[r * cols + c])));
}

// The caption: text, model and edits.
export function captionOf({ about, side }: Pick<Saving, "about" | "side">): string {
  const edits = about.edits.length ? about.edits.join("; ") : "none";
  const parts = [`Text: ${about.text}`, `Model: ${modelName(about.model)}`, `Edits: ${edits}`];
  if (about.corrupt) parts.push(`Second text: ${about.corrupt}`);
  if (about.edits.length) parts.push(`Shown: ${SIDES[side]}`);
  return parts.join(" · ");
}

// For a folder its last part.
export const modelName = (name: string): string => (name.startsWith("/") ? name.replace(/\/+$/, "").replace(/^.*\//, "") : name);

const field = (value: string | number | null): string => {
  const text = value === null || (typeof value === "number" && !Number.isFinite(value)) ? "" : String(value);
  return /[",\r\n]/.test(text) ? `"${text.replaceAll('"', '""')}"` : text;
};

// RFC 4180.
export const csvOf = ({ columns, rows }: Table): string => [columns, ...rows].map((row) => row.map(field).join(",") + "\r\n").join("");

export function jsonOf({ view, about, side, json }: Saving): string {
  const { model, text, edits, corrupt } = about;
  const hash = shared.tokens?.requestedModel === model ? shared.tokens.model.hash : undefined;
  return JSON.stringify({ view, model: { name: modelName(model), hash }, text, edits, corrupt, shown: side, ...json() }, (_, value) => (typeof value === "number" && !Number.isFinite(value) ? null : value), 1) + "\n";
}
