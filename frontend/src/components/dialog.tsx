"use client";

import { X } from "lucide-react";
import { type ReactNode, useId, useLayoutEffect, useRef } from "react";
import { IconButton } from "./button";

/** The browser's own dialog: focus is kept inside and given back, Escape closes it. */
export function Dialog({
  title,
  onClose,
  children,
  wide = false,
  side = false,
}: {
  title: ReactNode;
  onClose: () => void;
  children: ReactNode;
  wide?: boolean;
  /** At the right edge, full height: for looking at one thing beside a list. */
  side?: boolean;
}) {
  const ref = useRef<HTMLDialogElement>(null);
  const name = useId();
  // Closed while it is still there: a dialog that is gone gives the focus back to nobody.
  useLayoutEffect(() => {
    const dialog = ref.current;
    dialog?.showModal();
    return () => dialog?.close();
  }, []);
  const place = side
    ? "ml-auto mr-0 my-0 h-dvh max-h-dvh w-full max-w-2xl border-l"
    : `m-auto max-h-[calc(100dvh-2rem)] w-[calc(100%-2rem)] rounded-xl border ${wide ? "max-w-3xl" : "max-w-lg"}`;
  return (
    // biome-ignore lint/a11y/useKeyWithClickEvents: Escape does what a click beside the dialog does.
    <dialog
      ref={ref}
      aria-labelledby={name}
      onCancel={(event) => {
        event.preventDefault();
        onClose();
      }}
      onClick={(event) => event.target === ref.current && onClose()}
      className={`${place} overflow-hidden bg-surface p-0 text-ink shadow-high`}
    >
      <div className="flex max-h-[inherit] flex-col">
        <header className="flex items-center justify-between gap-3 border-b px-5 py-3">
          <h2 id={name} className="line-clamp-2 min-w-0 text-base font-semibold [overflow-wrap:anywhere]">
            {title}
          </h2>
          <IconButton label="Close" onClick={onClose}>
            <X aria-hidden className="size-4" />
          </IconButton>
        </header>
        {/* biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard */}
        <section className="min-h-0 flex-1 overflow-y-auto px-5 py-4" tabIndex={0} aria-labelledby={name}>
          {children}
        </section>
      </div>
    </dialog>
  );
}

/** In sight however long the dialog is. */
export function DialogActions({ children }: { children: ReactNode }) {
  return (
    <div className="sticky -bottom-4 -mx-5 mt-5 -mb-4 flex flex-wrap justify-end gap-2 border-t bg-surface px-5 py-3 [&_button]:max-w-full [&_button]:whitespace-normal">
      {children}
    </div>
  );
}
