"use client";

import { LogOut } from "lucide-react";
import { useEffect, useState } from "react";
import { signOut, type Who, who } from "@/lib/session";
import { IconButton } from "./button";

/** Under whose name things are done here. */
export function Account() {
  const [known, setKnown] = useState<Who | null>(null);
  useEffect(() => {
    let current = true;
    void who().then((answer) => current && setKnown(answer));
    return () => {
      current = false;
    };
  }, []);
  if (!known) return null;
  return (
    <div
      className="flex items-center justify-between gap-2 px-2.5 py-1 text-xs text-muted"
      title={known.scopes.join(", ")}
    >
      <span className="truncate">{known.name}</span>
      <IconButton label="Sign out" onClick={() => void signOut()}>
        <LogOut aria-hidden className="size-3.5" />
      </IconButton>
    </div>
  );
}
