import type { Metadata } from "next";
import { LinkButton } from "@/components/button";
import { PageHead } from "@/components/card";
import { Dashboard } from "@/components/dashboard";

export const metadata: Metadata = { title: "Dashboard" };

export default function Page() {
  return (
    <>
      <PageHead
        title="Dashboard"
        lead="Customers, money and everything that is on its way, live."
        actions={
          <LinkButton look="primary" needs="onboard" href="/customers/new/">
            New customer
          </LinkButton>
        }
      />
      <Dashboard />
    </>
  );
}
