import Link from "next/link";
import type { ComponentProps, ReactNode } from "react";

type Look = "primary" | "plain" | "quiet" | "danger";

const LOOKS: Record<Look, string> = {
  primary: "bg-accent-fill text-white hover:bg-accent-fill-hover border-transparent",
  plain: "bg-surface text-ink border-line-strong hover:bg-raised hover:border-faint",
  quiet: "border-transparent text-muted hover:bg-line/60 hover:text-ink",
  danger: "bg-bad-fill text-white border-transparent hover:brightness-110",
};

const SHAPE =
  "inline-flex min-h-8 items-center justify-center gap-1.5 rounded-md border px-3 py-1 text-sm font-medium whitespace-nowrap transition-colors disabled:opacity-55";

export function Button({
  look = "plain",
  busy = false,
  className = "",
  children,
  ...rest
}: ComponentProps<"button"> & { look?: Look; busy?: boolean }) {
  return (
    <button
      type="button"
      {...rest}
      disabled={rest.disabled || busy}
      aria-busy={busy || undefined}
      className={`${SHAPE} ${LOOKS[look]} ${className}`}
    >
      {busy ? <Spinner /> : null}
      {children}
    </button>
  );
}

export function LinkButton({ look = "plain", href, children }: { look?: Look; href: string; children: ReactNode }) {
  return (
    <Link href={href} prefetch={false} className={`${SHAPE} ${LOOKS[look]}`}>
      {children}
    </Link>
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
