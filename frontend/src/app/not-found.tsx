import type { Metadata } from "next";
import { LinkButton } from "@/components/button";
import { Empty } from "@/components/states";

export const metadata: Metadata = { title: "Not found" };

export default function NotFound() {
  return (
    <>
      <h1 className="sr-only">Not found</h1>
      <Empty title="There is no such page" action={<LinkButton href="/">To the dashboard</LinkButton>}>
        The address may be mistyped, or what it named may be gone.
      </Empty>
    </>
  );
}
