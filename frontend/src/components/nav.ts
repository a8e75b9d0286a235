import {
  BookOpen,
  Boxes,
  FlaskConical,
  LayoutDashboard,
  type LucideIcon,
  RefreshCcw,
  Users,
  Webhook,
} from "lucide-react";

export interface Place {
  href: string;
  label: string;
  icon: LucideIcon;
  /** Only where both providers are mocks. */
  sandboxOnly?: boolean;
}

export const PLACES: Place[] = [
  { href: "/", label: "Dashboard", icon: LayoutDashboard },
  { href: "/customers/", label: "Customers", icon: Users },
  { href: "/subscriptions/", label: "Subscriptions", icon: RefreshCcw },
  { href: "/operations/", label: "Operations", icon: Boxes },
  { href: "/webhooks/", label: "Webhooks", icon: Webhook },
  { href: "/guide/", label: "Guide", icon: BookOpen },
  { href: "/sandbox/", label: "Sandbox", icon: FlaskConical, sandboxOnly: true },
];
