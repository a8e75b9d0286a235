import type { Metadata } from "next";
import { Suspense } from "react";
import { PageHead } from "@/components/card";
import { SkeletonRows } from "@/components/states";
import { SubscriptionTable } from "@/components/subscription-table";
import { Allowed } from "@/components/viewer";

export const metadata: Metadata = { title: "Subscriptions" };

export default function Page() {
  return (
    <>
      <PageHead title="Subscriptions" lead="Who renews when, what changes then, and who owes money." />
      <Allowed needs="subscriptions" what="Subscriptions">
        <Suspense fallback={<SkeletonRows label="subscriptions" rows={8} />}>
          <SubscriptionTable />
        </Suspense>
      </Allowed>
    </>
  );
}
