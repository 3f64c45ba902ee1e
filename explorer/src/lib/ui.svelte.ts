// What the page knows of its surroundings: the theme, and whether motion is wanted.
const wantsDark = matchMedia("(prefers-color-scheme: dark)");

class Ui {
  theme = $state<"system" | "light" | "dark">((localStorage.getItem("theme") as "light" | "dark" | null) ?? "system");
  systemDark = $state(wantsDark.matches);
  dark = $derived(this.theme === "dark" || (this.theme === "system" && this.systemDark));

  constructor() {
    wantsDark.addEventListener("change", (event) => (this.systemDark = event.matches));
  }

  choose(theme: "system" | "light" | "dark"): void {
    this.theme = theme;
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  }
}

export const ui = new Ui();
