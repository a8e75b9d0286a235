import type { Metadata } from "next";
import { Suspense } from "react";
import { PageHead } from "@/components/card";
import { SkeletonRows } from "@/components/states";
import { Allowed } from "@/components/viewer";
import { WebhookTable } from "@/components/webhook-table";

export const metadata: Metadata = { title: "Webhooks" };

export default function Page() {
  return (
    <>
      <PageHead title="Webhooks" lead="What the providers told the service, stored once, and what became of it." />
      <Allowed needs="webhookEvents" what="Webhook events">
        <Suspense fallback={<SkeletonRows label="webhook events" rows={8} />}>
          <WebhookTable />
        </Suspense>
      </Allowed>
    </>
  );
}
