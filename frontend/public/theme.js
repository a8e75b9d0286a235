// Before the first paint, so that a dark page never flashes white. A file, because inline scripts are refused.
(() => {
  let wanted = null;
  try {
    wanted = localStorage.getItem("theme");
  } catch {}
  const dark = wanted === "dark" || (wanted !== "light" && matchMedia("(prefers-color-scheme: dark)").matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
})();
