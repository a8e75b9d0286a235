"use client";

import {
  Banknote,
  ChevronRight,
  Coins,
  FileSignature,
  type LucideIcon,
  ReceiptText,
  UserPlus,
  Webhook,
} from "lucide-react";
import Link from "next/link";
import { formatCompact, formatWhole } from "@/lib/format";
import { Card } from "./card";
import { Skeleton } from "./states";

export interface Station {
  name: "ONBOARDING" | "CONTRACT" | "CREDITS" | "INVOICE" | "PAYMENT" | "WEBHOOKS";
  settled: number;
  moving: number;
  troubled: number;
}

interface Look {
  label: string;
  where: string;
  icon: LucideIcon;
  href: string;
  settled: string;
  moving: string;
  troubled: string;
  troubledHref: string;
}

const STATIONS: Record<Station["name"], Look> = {
  ONBOARDING: {
    label: "Onboarding",
    where: "Metronome + Stripe",
    icon: UserPlus,
    href: "/customers/",
    settled: "customers",
    moving: "being set up",
    troubled: "stuck or failed",
    troubledHref: "/operations/?kind=ONBOARD",
  },
  CONTRACT: {
    label: "Contract",
    where: "Metronome",
    icon: FileSignature,
    href: "/subscriptions/?view=live",
    settled: "live",
    moving: "changing",
    troubled: "stuck or failed",
    troubledHref: "/operations/",
  },
  CREDITS: {
    label: "Credits",
    where: "Metronome",
    icon: Coins,
    href: "/customers/",
    settled: "held",
    moving: "being granted",
    troubled: "stuck or failed",
    troubledHref: "/operations/?kind=GRANT_CREDITS",
  },
  INVOICE: {
    label: "Invoice",
    where: "Metronome",
    icon: ReceiptText,
    href: "/subscriptions/",
    settled: "paid",
    moving: "open",
    troubled: "uncollectible",
    troubledHref: "/subscriptions/?view=past-due",
  },
  PAYMENT: {
    label: "Payment",
    where: "Stripe",
    icon: Banknote,
    href: "/operations/?kind=COLLECT",
    settled: "collected",
    moving: "processing",
    troubled: "declined or waiting",
    troubledHref: "/subscriptions/?view=past-due",
  },
  WEBHOOKS: {
    label: "Webhooks",
    where: "both, inbound",
    icon: Webhook,
    href: "/webhooks/",
    settled: "handled",
    moving: "waiting",
    troubled: "parked or dead",
    troubledHref: "/webhooks/?state=DEAD",
  },
};

/** The billing life as a picture, with how many are at each station. */
export function Pipeline({ stations }: { stations: Station[] | undefined }) {
  return (
    <Card title="Billing workflow" hint="what stands, what moves, what needs a person">
      <ol className="grid grid-cols-2 gap-x-6 gap-y-3 sm:grid-cols-3 xl:grid-cols-6">
        {(Object.keys(STATIONS) as Station["name"][]).map((name, place) => (
          <Stop key={name} name={name} place={place} station={stations?.find((each) => each.name === name)} />
        ))}
      </ol>
    </Card>
  );
}

function Stop({ name, place, station }: { name: Station["name"]; place: number; station: Station | undefined }) {
  const look = STATIONS[name];
  const Icon = look.icon;
  return (
    <li data-station={name} className="relative min-w-0 rounded-md border bg-raised px-3 py-2.5">
      {place === 0 ? null : (
        <ChevronRight
          aria-hidden
          className={`absolute top-4 -left-[1.28rem] size-4 text-line-strong ${place % 2 ? "" : "max-sm:hidden"} ${place % 3 ? "" : "sm:max-xl:hidden"}`}
        />
      )}
      <Link href={look.href} prefetch={false} className="flex items-center gap-2 text-sm font-medium hover:text-accent">
        <Icon aria-hidden className="size-4 shrink-0 text-faint" />
        <span className="truncate">{look.label}</span>
      </Link>
      <p className="truncate text-2xs text-faint">{look.where}</p>
      {station ? (
        <>
          <p className="mt-2 flex items-baseline gap-1.5">
            <span className="text-lg leading-6 font-semibold tabular-nums" title={formatWhole(station.settled)}>
              {formatCompact(station.settled)}
            </span>
            <span className="truncate text-xs text-muted">{look.settled}</span>
          </p>
          <ul className="mt-1 space-y-0.5 text-xs">
            <li className={station.moving ? "text-info" : "text-faint"}>
              <span className="tabular-nums">{formatWhole(station.moving)}</span> {look.moving}
            </li>
            <li className={station.troubled ? "font-medium text-bad" : "text-faint"}>
              {station.troubled ? (
                <Link
                  href={look.troubledHref}
                  prefetch={false}
                  className="underline decoration-dotted underline-offset-2"
                >
                  <span className="tabular-nums">{formatWhole(station.troubled)}</span> {look.troubled}
                </Link>
              ) : (
                <>0 {look.troubled}</>
              )}
            </li>
          </ul>
        </>
      ) : (
        <div className="mt-2 space-y-1.5">
          <Skeleton className="h-6 w-16" />
          <Skeleton className="h-4 w-24" />
          <Skeleton className="h-4 w-20" />
        </div>
      )}
    </li>
  );
}
