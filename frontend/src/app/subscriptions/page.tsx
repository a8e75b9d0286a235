import type { Metadata } from "next";
import { Suspense } from "react";
import { PageHead } from "@/components/card";
import { SkeletonRows } from "@/components/states";
import { SubscriptionTable } from "@/components/subscription-table";

export const metadata: Metadata = { title: "Subscriptions" };

export default function Page() {
  return (
    <>
      <PageHead title="Subscriptions" lead="Who renews when, what changes then, and who owes money." />
      <Suspense fallback={<SkeletonRows label="subscriptions" rows={8} />}>
        <SubscriptionTable />
      </Suspense>
    </>
  );
}
