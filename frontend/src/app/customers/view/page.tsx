import type { Metadata } from "next";
import { Suspense } from "react";
import { CustomerPage } from "@/components/customer/page";
import { Skeleton } from "@/components/states";
import { Allowed } from "@/components/viewer";

export const metadata: Metadata = { title: "Customer" };

export default function Page() {
  return (
    <Suspense fallback={<Skeleton className="h-64 w-full" />}>
      <Allowed needs="customer" what="The customer">
        <CustomerPage />
      </Allowed>
    </Suspense>
  );
}
