import { makeStore } from "./store";

export type Theme = "light" | "dark" | "system";

function stored(): Theme {
  try {
    const value = localStorage.getItem("theme");
    return value === "light" || value === "dark" ? value : "system";
  } catch {
    return "system";
  }
}

export const theme = makeStore<Theme>(typeof window === "undefined" ? "system" : stored());

const darkSystem = typeof window === "undefined" ? null : matchMedia("(prefers-color-scheme: dark)");

function paint(): void {
  const wanted = theme.get();
  const dark = wanted === "dark" || (wanted === "system" && darkSystem?.matches);
  document.documentElement.dataset.theme = dark ? "dark" : "light";
}

export function setTheme(next: Theme): void {
  try {
    if (next === "system") localStorage.removeItem("theme");
    else localStorage.setItem("theme", next);
  } catch {}
  theme.set(next);
  paint();
}

export function followSystemTheme(): () => void {
  darkSystem?.addEventListener("change", paint);
  return () => darkSystem?.removeEventListener("change", paint);
}
