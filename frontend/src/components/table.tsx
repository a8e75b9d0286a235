"use client";

import { ChevronLeft, ChevronRight } from "lucide-react";
import type { ReactNode } from "react";
import { plural } from "@/lib/format";
import type { usePager } from "@/lib/pager";
import type { usePages } from "@/lib/pages";
import { Button } from "./button";

/** Wide content scrolls inside; the page never does. */
export function Table({ label, head, children }: { label: string; head: ReactNode; children: ReactNode }) {
  return (
    // biome-ignore lint/a11y/noNoninteractiveTabindex: what scrolls must be reachable by keyboard
    <section aria-label={label} tabIndex={0} className="scroll-hint relative overflow-x-auto">
      <table className="w-full border-collapse text-sm">
        <thead>
          <tr className="border-b text-left text-xs text-muted [&>th]:px-3 [&>th]:py-2 [&>th]:font-medium [&>th]:whitespace-nowrap [&>th:first-child]:pl-4 [&>th:last-child]:pr-4">
            {head}
          </tr>
        </thead>
        <tbody className="[&>tr]:border-b [&>tr:last-child]:border-0 [&>tr:hover]:bg-raised [&_td]:px-3 [&_td]:py-1.5 [&_td]:align-middle [&_td:first-child]:pl-4 [&_td:last-child]:pr-4">
          {children}
        </tbody>
      </table>
    </section>
  );
}

/** One page of a connection: its rows, and the ways to the pages before and after it. */
export function Listing<Row>({
  label,
  one,
  page,
  pager,
  head,
  empty,
  children,
}: {
  label: string;
  one: string;
  page: { totalCount: number; nodes: Row[]; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
  pager: ReturnType<typeof usePager>;
  head: ReactNode;
  empty: ReactNode;
  children: (row: Row) => ReactNode;
}) {
  if (!page.nodes.length) return empty;
  return (
    <>
      <Table label={label} head={head}>
        {page.nodes.map(children)}
      </Table>
      <Pager
        shown={plural(page.totalCount, one)}
        hasNext={page.pageInfo.hasNextPage}
        hasPrevious={pager.hasPrevious}
        onNext={() => pager.next(page.pageInfo.endCursor)}
        onPrevious={pager.previous}
      />
    </>
  );
}

/** For a list within a page: nothing, as long as there is one page of it. */
export function InnerPager({
  one,
  page,
  pages,
}: {
  one: string;
  page: { totalCount: number; pageInfo: { hasNextPage: boolean; endCursor: string | null } };
  pages: ReturnType<typeof usePages>;
}) {
  if (!page.pageInfo.hasNextPage && !pages.hasPrevious) return null;
  return (
    <Pager
      label={`Pages of ${one}s`}
      shown={plural(page.totalCount, one)}
      hasNext={page.pageInfo.hasNextPage}
      hasPrevious={pages.hasPrevious}
      onNext={() => pages.next(page.pageInfo.endCursor)}
      onPrevious={pages.previous}
    />
  );
}

/** Keyset pages: forward by the cursor, back by the way we came. */
function Pager({
  shown,
  hasNext,
  hasPrevious,
  onNext,
  onPrevious,
  label = "Pages",
}: {
  shown: string;
  hasNext: boolean;
  hasPrevious: boolean;
  onNext: () => void;
  onPrevious: () => void;
  label?: string;
}) {
  return (
    <nav aria-label={label} className="flex items-center justify-between gap-3 border-t px-4 py-2 text-xs text-muted">
      <span>{shown}</span>
      {hasNext || hasPrevious ? (
        <span className="flex gap-2">
          <Button onClick={onPrevious} disabled={!hasPrevious}>
            <ChevronLeft aria-hidden className="size-3.5" /> Newer
          </Button>
          <Button onClick={onNext} disabled={!hasNext}>
            Older <ChevronRight aria-hidden className="size-3.5" />
          </Button>
        </span>
      ) : null}
    </nav>
  );
}
