import type { Metadata } from "next";
import { PageHead } from "@/components/card";
import { NewCustomer } from "@/components/new-customer";
import { Allowed } from "@/components/viewer";

export const metadata: Metadata = { title: "New customer" };

export default function Page() {
  return (
    <>
      <PageHead title="New customer" lead="Onboard a user or an organization, at Metronome and Stripe." />
      <Allowed needs="onboard" what="Onboarding">
        <NewCustomer />
      </Allowed>
    </>
  );
}
