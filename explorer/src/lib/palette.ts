// Colours: plasma (perceptually even, colour-blind safe) for amounts, a diverging map for signed changes.
import { ui } from "./ui.svelte";

export type Rgb = [number, number, number];

// As in the figures that are saved (stratoscope/figures/theme.cpp).
const PLASMA = ["#0d0887", "#310597", "#4c02a1", "#6600a7", "#7e03a8", "#9511a1", "#aa2395", "#bc3587", "#cc4778", "#da5a6a", "#e66c5c", "#f0804e", "#f89540", "#fdac33", "#fdc527", "#f8df25", "#f0f921"];
const FALL_RISE_LIGHT = ["#143d78", "#2f68ab", "#6a9bcf", "#b3cee8", "#f7f5f2", "#f6cfa5", "#e79b54", "#bf6420", "#7f3a08"];
const FALL_RISE_DARK = ["#a9d3ff", "#6fabe8", "#3f79b5", "#254a74", "#16181c", "#6e3f18", "#b0682a", "#e89a4e", "#ffd09a"];

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

// Black or white, whichever has more contrast with this background.
export function textOn(ground: Rgb): string {
  // Relative luminance (WCAG 2); at 0.179 black and white have the same contrast.
  const [r, g, b] = ground.map((channel) => (channel / 255 <= 0.04045 ? channel / 255 / 12.92 : ((channel / 255 + 0.055) / 1.055) ** 2.4));
  return 0.2126 * r + 0.7152 * g + 0.0722 * b > 0.179 ? "#000000" : "#ffffff";
}

// The part of plasma that contrasts with the page's background.
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
