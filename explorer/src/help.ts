// The page that explains the views: its text is docs/explorer.md, put in when the page is built.
import { ui } from "./lib/ui.svelte";
import "./style.css";
import "./help.css";

document.documentElement.classList.toggle("dark", ui.dark);
