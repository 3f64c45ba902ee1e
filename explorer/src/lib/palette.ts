// Colours: plasma (perceptually even, colour-blind safe) for amounts, a diverging map for signed changes.
import { ui } from "./ui.svelte";

export type Rgb = [number, number, number];

const PLASMA = ["#0d0887", "#41049d", "#6a00a8", "#8f0da4", "#b12a90", "#cc4778", "#e16462", "#f2844b", "#fca636", "#fcce25", "#f0f921"];
const FALL_RISE_LIGHT = ["#2a6fb0", "#7fb0da", "#f4f4f4", "#eda37c", "#b8431f"];
const FALL_RISE_DARK = ["#7cc0f5", "#4a83b5", "#3f3f3f", "#c46a45", "#ff9a73"];

function parse(hex: string): Rgb {
  return [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16)) as Rgb;
}
const maps = {
  plasma: PLASMA.map(parse),
  changeLight: FALL_RISE_LIGHT.map(parse),
  changeDark: FALL_RISE_DARK.map(parse),
};

function mix(stops: Rgb[], t: number): Rgb {
  const x = Math.min(1, Math.max(0, Number.isFinite(t) ? t : 0)) * (stops.length - 1);
  const i = Math.min(stops.length - 2, Math.floor(x));
  return stops[i].map((c, k) => Math.round(c + (stops[i + 1][k] - c) * (x - i))) as Rgb;
}

export type Scale = { low: number; high: number; signed?: boolean };

export function rgbOf(value: number, scale: Scale): Rgb {
  const t = (value - scale.low) / (scale.high - scale.low || 1);
  if (scale.signed) return mix(ui.dark ? maps.changeDark : maps.changeLight, t);
  return mix(maps.plasma, t);
}

export const css = ([r, g, b]: Rgb) => `rgb(${r} ${g} ${b})`;

// Black or white, whichever is easier to read on this ground.
export function textOn([r, g, b]: Rgb): string {
  return 0.299 * r + 0.587 * g + 0.114 * b > 140 ? "#1a1a1a" : "#ffffff";
}

// The part of plasma that stands out from the page's ground.
export function depthColor(depth: number, count: number): string {
  const t = count < 2 ? 0 : depth / (count - 1);
  return css(mix(maps.plasma, ui.dark ? 0.32 + 0.68 * t : 0.88 * t));
}

export function gradient(scale: Scale): string {
  const steps = Array.from({ length: 11 }, (_, i) => css(rgbOf(scale.low + ((scale.high - scale.low) * i) / 10, scale)));
  return `linear-gradient(to right, ${steps.join(",")})`;
}

export function symmetric(values: ArrayLike<number>): Scale {
  let most = 0;
  for (let i = 0; i < values.length; ++i) if (Number.isFinite(values[i])) most = Math.max(most, Math.abs(values[i]));
  return { low: -(most || 1), high: most || 1, signed: true };
}

// The notebook's range, unless more than a tenth of the cells would be clipped.
export function similarityScale(values: ArrayLike<number>, low: number): Scale {
  let below = 0;
  let least = 1;
  for (let i = 0; i < values.length; ++i) {
    if (values[i] < low) ++below;
    least = Math.min(least, values[i]);
  }
  return below * 10 > values.length ? { low: Math.min(least, 0.99), high: 1 } : { low, high: 1 };
}
