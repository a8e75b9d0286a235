import type { Metadata } from "next";
import { PageHead } from "@/components/card";
import { Sandbox } from "@/components/sandbox";
import { Allowed } from "@/components/viewer";

export const metadata: Metadata = { title: "Sandbox" };

export default function Page() {
  return (
    <>
      <PageHead title="Sandbox" lead="Both providers are mocks: let time pass, break them, and watch what happens." />
      <Allowed needs="sandbox" what="The sandbox">
        <Sandbox />
      </Allowed>
    </>
  );
}
