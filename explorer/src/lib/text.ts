// Tokens and numbers as people read them.

// Spaces and line breaks become visible.
export function visible(token: string): string {
  return token.replace(/\n/g, "↵").replace(/\t/g, "⇥").replace(/[\u0000-\u001f\u007f]/g, "\ufffd");
}

export const quoted = (token: string) => `“${visible(token)}”`;

export function short(value: number | null | undefined, digits = 3): string {
  if (value === null || value === undefined || !Number.isFinite(value)) return "–";
  const text = value !== 0 && Math.abs(value) < 0.001 ? value.toExponential(1) : String(Number(value.toPrecision(digits)));
  return text.replace("-", "−");
}

export const percent = (value: number | null | undefined) =>
  value === null || value === undefined ? "–" : `${short(100 * value, value < 0.1 ? 2 : 3)} %`;

export const signed = (value: number, digits = 3) => (value > 0 ? "+" : "") + short(value, digits);
