import type { Metadata } from "next";
import { PageHead } from "@/components/card";
import { Guide } from "@/components/guide";

export const metadata: Metadata = { title: "Guide" };

export default function Page() {
  return (
    <>
      <PageHead
        title="Workflow guide"
        lead="The complete billing process, step by step: what each request does, and a button that does it."
      />
      <Guide />
    </>
  );
}
