"use client";

import { Monitor, Moon, Sun } from "lucide-react";
import { useEffect } from "react";
import { useStore } from "@/lib/store";
import { followSystemTheme, setTheme, type Theme, theme } from "@/lib/theme";
import { IconButton } from "./button";

const NEXT: Record<Theme, Theme> = { system: "light", light: "dark", dark: "system" };
const ICONS = { system: Monitor, light: Sun, dark: Moon };

export function ThemeSwitch() {
  const wanted = useStore<Theme>(theme, "system");
  useEffect(followSystemTheme, []);
  const Icon = ICONS[wanted];
  return (
    <IconButton label={`Colours: ${wanted}. Change to ${NEXT[wanted]}`} onClick={() => setTheme(NEXT[wanted])}>
      <Icon aria-hidden className="size-4" />
    </IconButton>
  );
}
