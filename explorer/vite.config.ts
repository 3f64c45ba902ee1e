import { readFileSync } from "node:fs";
import { svelte } from "@sveltejs/vite-plugin-svelte";
import { Marked } from "marked";
import { defineConfig, type Plugin } from "vite";

// docs/explorer.md inside help.html, but for how the server is started and asked. Pictures and other pages of the docs
// are not in the program.
const OTHERS = "## Starting it";
const explained: Plugin = {
  name: "explained",
  transformIndexHtml: {
    order: "pre",
    handler(page) {
      const marked = new Marked({
        renderer: {
          image: () => "",
          link: ({ href, text }) => (/^(https:|#)/.test(href) ? `<a href="${href}" rel="noreferrer">${text}</a>` : text),
          heading({ tokens, depth, text }) {
            const id = text.toLowerCase().replaceAll(" ", "-");
            return `<h${depth} id="${id}">${this.parser.parseInline(tokens)}</h${depth}>`;
          },
        },
      });
      return page.replace("<!-- docs/explorer.md -->", () => marked.parse(readFileSync("../docs/explorer.md", "utf8").split(OTHERS)[0], { async: false }));
    },
  },
};

export default defineConfig({
  base: "./", // the page may lie in a folder of a proxy
  plugins: [svelte(), explained],
  build: {
    target: "es2022",
    assetsInlineLimit: 0,
    modulePreload: { polyfill: false },
    rollupOptions: { input: ["index.html", "help.html"] },
  },
  // For work on the page: `stratoscope serve --port 8080` beside `npx vite`.
  server: { proxy: { "/api": { target: "http://127.0.0.1:8080", changeOrigin: true, headers: { origin: "http://127.0.0.1:8080" } } } },
});
