// Drawing on a canvas at the screen's own resolution, in the page's fonts and colours.

import type { Rgb } from "./palette";
import { ui } from "./ui.svelte";

export interface Sheet {
  context: CanvasRenderingContext2D;
  width: number;
  height: number;
  color: (name: string) => string;
}

export function sheetOf(canvas: HTMLCanvasElement, width: number, height: number, letters = 11): Sheet {
  const ratio = window.devicePixelRatio || 1;
  const [w, h] = [Math.round(width * ratio), Math.round(height * ratio)];
  if (canvas.width !== w || canvas.height !== h) {
    canvas.width = w;
    canvas.height = h;
  }
  const context = canvas.getContext("2d")!;
  context.setTransform(ratio, 0, 0, ratio, 0, 0);
  context.clearRect(0, 0, width, height);
  const style = getComputedStyle(canvas);
  context.font = `${letters * ui.unit}px ${style.fontFamily}`;
  context.textBaseline = "middle";
  return { context, width, height, color: (name) => style.getPropertyValue(`--${name}`).trim() };
}

// A matrix as an image with one pixel per cell, to be scaled: much faster than rectangles. No colour: transparent.
export function pictureOf(rows: number, cols: number, color: (cell: number) => Rgb | null): HTMLCanvasElement {
  const canvas = document.createElement("canvas");
  canvas.width = Math.max(1, cols);
  canvas.height = Math.max(1, rows);
  const context = canvas.getContext("2d")!;
  const image = context.createImageData(canvas.width, canvas.height);
  for (let i = 0; i < rows * cols; ++i) {
    const rgb = color(i);
    if (rgb) image.data.set([rgb[0], rgb[1], rgb[2], 255], 4 * i);
  }
  context.putImageData(image, 0, 0);
  return canvas;
}

export function shorten(context: CanvasRenderingContext2D, text: string, width: number): string {
  if (context.measureText(text).width <= width) return text;
  let end = text.length;
  while (end > 1 && context.measureText(text.slice(0, end) + "…").width > width) --end;
  return text.slice(0, end) + "…";
}

// The labels to draw: every n-th, so that neighbours are `room` apart, and always the chosen one.
export function labelsIn(count: number, length: number, room: number, chosen = -1): number[] {
  const each = length / Math.max(1, count);
  const step = Math.max(1, Math.ceil(room / Math.max(1e-6, each)));
  const isChosen = chosen >= 0 && chosen < count;
  const drawn: number[] = isChosen ? [chosen] : [];
  for (let i = 0; i < count; i += step) if (!isChosen || Math.abs(i - chosen) * each >= room) drawn.push(i);
  return drawn;
}

// A frame that contrasts with any background.
export function frame(sheet: Sheet, x: number, y: number, width: number, height: number): void {
  const { context, color } = sheet;
  for (const [name, line] of [["panel", 4], ["text", 2]] as const) {
    context.strokeStyle = color(name);
    context.lineWidth = line;
    context.strokeRect(x, y, width, height);
  }
}

// Round numbers between low and high.
export function ticks(low: number, high: number, wanted: number): number[] {
  if (!(high > low)) return [low];
  const raw = (high - low) / wanted;
  const power = 10 ** Math.floor(Math.log10(raw));
  const step = [1, 2, 5, 10].map((m) => m * power).find((s) => s >= raw)!;
  const list: number[] = [];
  for (let t = Math.ceil(low / step) * step; t <= high + step * 1e-9; t += step) list.push(Number(t.toPrecision(12)));
  return list;
}

// A fixed sequence, so that the jitter does not change.
export function jitter(count: number): Float32Array {
  let seed = 12345;
  return Float32Array.from({ length: count }, () => {
    seed = (Math.imul(seed, 1664525) + 1013904223) >>> 0;
    return seed / 2 ** 32 - 0.5;
  });
}
