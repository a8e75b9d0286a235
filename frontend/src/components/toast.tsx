"use client";

import { CircleAlert, CircleCheck } from "lucide-react";
import { useEffect } from "react";
import { makeStore, useStore } from "@/lib/store";

interface Toast {
  id: number;
  text: string;
  good: boolean;
}

const SHOWN_MS = 5_000;
const NONE: Toast[] = [];
const toasts = makeStore<Toast[]>(NONE);
let last = 0;

export function toast(text: string, { good = true }: { good?: boolean } = {}): void {
  last += 1;
  toasts.set([...toasts.get(), { id: last, text, good }].slice(-3));
}

function dismiss(id: number): void {
  toasts.set(toasts.get().filter((each) => each.id !== id));
}

export function Toasts() {
  const shown = useStore(toasts, NONE);
  return (
    <div
      role="status"
      aria-live="polite"
      className="fixed right-4 bottom-4 z-50 flex max-w-[calc(100vw-2rem)] flex-col gap-2"
    >
      {shown.map((each) => (
        <OneToast key={each.id} toast={each} />
      ))}
    </div>
  );
}

function OneToast({ toast: { id, text, good } }: { toast: Toast }) {
  useEffect(() => {
    const timer = setTimeout(() => dismiss(id), SHOWN_MS);
    return () => clearTimeout(timer);
  }, [id]);
  const Icon = good ? CircleCheck : CircleAlert;
  return (
    <div className="flex items-center gap-2 rounded-lg border bg-surface px-3 py-2 text-sm shadow-high">
      <Icon aria-hidden className={`size-4 shrink-0 ${good ? "text-ok" : "text-bad"}`} />
      <span className="[overflow-wrap:anywhere]">{text}</span>
    </div>
  );
}
