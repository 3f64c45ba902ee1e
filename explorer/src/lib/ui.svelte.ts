// The theme and the font size of the page.
const isHuge = matchMedia("(min-width: 2600px)"); // as in style.css
const wantsDark = matchMedia("(prefers-color-scheme: dark)");

class Ui {
  theme = $state<"system" | "light" | "dark">((localStorage.getItem("theme") as "light" | "dark" | null) ?? "system");
  systemDark = $state(wantsDark.matches);
  unit = $state(isHuge.matches ? 17 / 14 : 1); // scale factor of pictures
  dark = $derived(this.theme === "dark" || (this.theme === "system" && this.systemDark));

  constructor() {
    isHuge.addEventListener("change", (event) => (this.unit = event.matches ? 17 / 14 : 1));
    wantsDark.addEventListener("change", (event) => (this.systemDark = event.matches));
  }

  choose(theme: "system" | "light" | "dark"): void {
    this.theme = theme;
    if (theme === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", theme);
  }
}

export const ui = new Ui();
