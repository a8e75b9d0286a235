import type { Metadata } from "next";
import { Suspense } from "react";
import { PageHead } from "@/components/card";
import { OperationTable } from "@/components/operation-table";
import { SkeletonRows } from "@/components/states";
import { Allowed } from "@/components/viewer";

export const metadata: Metadata = { title: "Operations" };

export default function Page() {
  return (
    <>
      <PageHead
        title="Operations"
        lead="Every verb that was accepted. It is finished, once, whatever crashes in between."
      />
      <Allowed needs="operations" what="Operations">
        <Suspense fallback={<SkeletonRows label="operations" rows={8} />}>
          <OperationTable />
        </Suspense>
      </Allowed>
    </>
  );
}
