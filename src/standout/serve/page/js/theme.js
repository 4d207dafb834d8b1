/** Light or dark, before anything is drawn: as the system has it, or as it was chosen here. A script, not a module. */

(() => {
  const KEY = "standout-theme";
  const root = document.documentElement;
  const dark = matchMedia("(prefers-color-scheme: dark)");
  const read = () => {
    try {
      return localStorage.getItem(KEY);
    } catch {
      return null; // the browser keeps nothing for this page
    }
  };
  const show = () => {
    root.dataset.theme = read() ?? (dark.matches ? "dark" : "light");
    const button = document.getElementById("theme");
    button?.setAttribute("aria-pressed", String(root.dataset.theme === "dark"));
  };
  show();
  dark.addEventListener("change", show);
  document.addEventListener("DOMContentLoaded", () => {
    show();
    document.getElementById("theme")?.addEventListener("click", () => {
      const to = root.dataset.theme === "dark" ? "light" : "dark";
      try {
        localStorage.setItem(KEY, to);
      } catch {
        // it holds until the page is closed
      }
      root.dataset.theme = to;
      document.getElementById("theme")?.setAttribute("aria-pressed", String(to === "dark"));
    });
  });
})();
