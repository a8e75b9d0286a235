import { createHash } from "node:crypto";
import { readdirSync, readFileSync } from "node:fs";
import { join } from "node:path";
import type { NextConfig } from "next";
import { PHASE_DEVELOPMENT_SERVER } from "next/constants";

const API = process.env.BILLING_API ?? "http://127.0.0.1:3000";

/** The same sources give the same build, byte for byte. */
function hashOfSources(): string {
  const hash = createHash("sha256");
  const files = (readdirSync("src", { recursive: true, withFileTypes: true }) as import("node:fs").Dirent[])
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name));
  for (const file of [...files.sort(), "package-lock.json"]) hash.update(file).update(readFileSync(file));
  return hash.digest("hex").slice(0, 20);
}

export default function config(phase: string): NextConfig {
  const shared: NextConfig = {
    reactStrictMode: true,
    poweredByHeader: false,
    trailingSlash: true,
    turbopack: { root: __dirname },
  };
  if (phase === PHASE_DEVELOPMENT_SERVER) {
    return {
      ...shared,
      skipTrailingSlashRedirect: true,
      rewrites: async () =>
        ["/graphql", "/session", "/health/:path*"].map((source) => ({ source, destination: `${API}${source}` })),
    };
  }
  return { ...shared, output: "export", generateBuildId: async () => hashOfSources() };
}
