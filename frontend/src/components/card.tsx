import type { ReactNode } from "react";

export function Card({
  title,
  hint,
  actions,
  children,
  flush = false,
}: {
  title?: ReactNode;
  hint?: ReactNode;
  actions?: ReactNode;
  children: ReactNode;
  /** The content reaches the edges, as tables do. */
  flush?: boolean;
}) {
  return (
    <section className="@container min-w-0 rounded-lg border bg-surface shadow-card">
      {title ? (
        <header className="flex min-h-12 flex-wrap items-center justify-between gap-x-3 gap-y-1 border-b px-4 py-2">
          <div className="flex min-w-0 flex-wrap items-baseline gap-x-2">
            <h2 className="text-base font-semibold">{title}</h2>
            {hint ? <span className="text-xs text-faint">{hint}</span> : null}
          </div>
          {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
        </header>
      ) : null}
      <div className={flush ? "" : "p-4"}>{children}</div>
    </section>
  );
}

export function PageHead({ title, lead, actions }: { title: ReactNode; lead?: ReactNode; actions?: ReactNode }) {
  return (
    <div className="mb-5 flex flex-wrap items-start justify-between gap-x-6 gap-y-3">
      <div className="min-w-0">
        <h1
          title={typeof title === "string" ? title : undefined}
          className="line-clamp-2 text-xl leading-7 font-semibold tracking-tight [overflow-wrap:anywhere]"
        >
          {title}
        </h1>
        {lead ? <p className="mt-0.5 text-sm text-muted">{lead}</p> : null}
      </div>
      {actions ? <div className="flex flex-wrap items-center gap-2">{actions}</div> : null}
    </div>
  );
}

/** Names and values, the names aligned. */
export function Facts({ rows }: { rows: [string, ReactNode][] }) {
  return (
    <dl className="grid grid-cols-[fit-content(45%)_minmax(0,1fr)] gap-x-4 gap-y-2 text-sm">
      {rows.map(([name, value]) => (
        <div key={name} className="contents">
          <dt className="min-w-24 text-muted [overflow-wrap:anywhere]">{name}</dt>
          <dd className="min-w-0 [overflow-wrap:anywhere]">{value}</dd>
        </div>
      ))}
    </dl>
  );
}
