"use client";

import Link from "next/link";
import { type ComponentProps, type ReactNode, useId } from "react";
import type { RootField } from "@/lib/graphql";
import { useRefusal } from "@/lib/viewer";
import { toast } from "./toast";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent-fill text-white hover:bg-accent-fill-hover border-transparent",
  plain: "bg-surface text-ink border-line-strong hover:bg-raised hover:border-faint",
  quiet: "border-transparent text-muted hover:bg-line/60 hover:text-ink",
  danger: "bg-bad-fill text-white border-transparent hover:brightness-110",
};

const SHAPE =
  "inline-flex min-h-8 items-center justify-center gap-1.5 rounded-md border px-3 py-1 text-sm font-medium whitespace-nowrap transition-colors disabled:opacity-55 aria-disabled:cursor-not-allowed aria-disabled:opacity-55";

interface Looking {
  look?: Look;
  /** The root field that it is for: whoever may not use that is told why instead. */
  needs?: RootField;
}

export function Button({
  look = "plain",
  needs,
  busy = false,
  className = "",
  children,
  ...rest
}: ComponentProps<"button"> & Looking & { busy?: boolean }) {
  const refusal = useRefusal(needs);
  const shape = `${SHAPE} ${LOOKS[look]} ${className}`;
  if (refusal !== null) {
    return (
      <Refused reason={refusal} shape={shape} label={rest["aria-label"]}>
        {children}
      </Refused>
    );
  }
  return (
    <button type="button" {...rest} disabled={rest.disabled || busy} aria-busy={busy || undefined} className={shape}>
      {busy ? <Spinner /> : null}
      {children}
    </button>
  );
}

export function LinkButton({ look = "plain", needs, href, children }: Looking & { href: string; children: ReactNode }) {
  const refusal = useRefusal(needs);
  const shape = `${SHAPE} ${LOOKS[look]}`;
  if (refusal !== null) {
    return (
      <Refused reason={refusal} shape={shape}>
        {children}
      </Refused>
    );
  }
  return (
    <Link href={href} prefetch={false} className={shape}>
      {children}
    </Link>
  );
}

/** It can be reached and asked, so that its reason can be read; it does nothing. */
function Refused({
  reason,
  shape,
  label,
  children,
}: {
  reason: string;
  shape: string;
  label?: string;
  children: ReactNode;
}) {
  const why = useId();
  return (
    <>
      <button
        type="button"
        aria-label={label}
        aria-disabled
        aria-describedby={why}
        title={reason}
        onClick={() => toast(reason, { good: false })}
        className={shape}
      >
        {children}
      </button>
      <span id={why} hidden>
        {reason}
      </span>
    </>
  );
}

export function IconButton({ label, className = "", ...rest }: ComponentProps<"button"> & { label: string }) {
  return (
    <button
      type="button"
      aria-label={label}
      title={label}
      {...rest}
      className={`inline-flex size-8 items-center justify-center rounded-md text-muted hover:bg-line/60 hover:text-ink ${className}`}
    />
  );
}

function Spinner() {
  return <span aria-hidden className="size-3 animate-spin rounded-full border-2 border-current border-r-transparent" />;
}
