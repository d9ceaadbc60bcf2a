// Before the first paint: the theme and language, so that nothing flashes.
(() => {
  const root = document.documentElement;
  const stored = (name) => {
    try {
      return localStorage.getItem(name);
    } catch {
      return null; // Storage may be forbidden; then the system decides.
    }
  };
  const dark = matchMedia("(prefers-color-scheme: dark)").matches;
  root.dataset.theme = stored("ciclo.theme") ?? (dark ? "dark" : "light");
  root.lang = stored("ciclo.locale") ?? navigator.language;
})();
