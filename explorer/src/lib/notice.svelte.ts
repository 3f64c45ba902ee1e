// A message about the last action, with its undo.
const SHOWN = 12_000; // milliseconds

class Notice {
  text = $state("");
  undo = $state.raw<(() => void) | null>(null);
  #timer: ReturnType<typeof setTimeout> | undefined;

  show(text: string, undo: (() => void) | null = null): void {
    this.text = text;
    this.undo = undo;
    clearTimeout(this.#timer);
    this.#timer = setTimeout(() => this.clear(), SHOWN);
  }

  clear(): void {
    this.text = "";
    this.undo = null;
  }
}

export const notice = new Notice();
