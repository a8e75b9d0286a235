import type { Metadata } from "next";
import { Suspense } from "react";
import { LinkButton } from "@/components/button";
import { PageHead } from "@/components/card";
import { CustomerTable } from "@/components/customer-table";
import { SkeletonRows } from "@/components/states";
import { Allowed } from "@/components/viewer";

export const metadata: Metadata = { title: "Customers" };

export default function Page() {
  return (
    <>
      <PageHead
        title="Customers"
        lead="Users and organizations, their plan and what they have left."
        actions={
          <LinkButton look="primary" needs="onboard" href="/customers/new/">
            New customer
          </LinkButton>
        }
      />
      <Allowed needs="customers" what="Customers">
        <Suspense fallback={<SkeletonRows label="customers" rows={8} />}>
          <CustomerTable />
        </Suspense>
      </Allowed>
    </>
  );
}
