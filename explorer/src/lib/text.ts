// Formats tokens and numbers for display.

// Spaces and line breaks become visible.
export function visible(token: string): string {
  return token.replace(/ /g, "·").replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/[\u0000-\u001f\u007f]/g, "\ufffd");
}

export const quoted = (token: string) => `“${visible(token)}”`;

// The beginning and end of a long text.
export const excerpt = (text: string, most = 90) => (text.length <= most ? text : `${text.slice(0, most * 0.6)} … ${text.slice(-most * 0.4)}`);

const minus = (text: string) => text.replace("-", "−");

export function short(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  return minus(value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(digits))));
}

// One decimal, or two significant digits for smaller numbers.
function inPercent(share: number): string {
  const size = Math.abs(100 * share);
  if (size === 0) return "0";
  if (size < 0.001) return "<0.001";
  return size < 0.995 ? size.toFixed(1 - Math.floor(Math.log10(size))) : size.toFixed(1);
}

export const percent = (value: number | null | undefined) =>
  value === null || value === undefined || !Number.isFinite(value) ? "–" : `${inPercent(value)} %`;

// The change of a share, in percentage points.
export const points = (change: number) => (Number.isFinite(change) ? `${change > 0 ? "+" : change < 0 ? "−" : ""}${inPercent(change)}` : "–");

export const signed = (value: number, digits = 3) => (value > 0 ? "+" : "") + short(value, digits);

export const plural = (count: number, noun: string) => `${count.toLocaleString("en")} ${noun}${count === 1 ? "" : "s"}`;
