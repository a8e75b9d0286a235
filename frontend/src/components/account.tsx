"use client";

import { LogOut } from "lucide-react";
import { words } from "@/lib/format";
import { signOut } from "@/lib/session";
import { useViewer } from "@/lib/viewer";
import { IconButton } from "./button";

/** Under whose name things are done here. */
export function Account() {
  const known = useViewer();
  if (!known) return null;
  return (
    <div
      className="flex items-center justify-between gap-2 px-2.5 py-1 text-xs text-muted"
      title={`May: ${known.scopes.map(words).join(", ")}`}
    >
      <span className="truncate">{known.name}</span>
      <IconButton label="Sign out" onClick={() => void signOut()}>
        <LogOut aria-hidden className="size-3.5" />
      </IconButton>
    </div>
  );
}
