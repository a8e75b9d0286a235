import { makeStore } from "./store";

/** True once the service has answered that nobody is signed in. */
export const signedOut = makeStore(false);

let leftOnPurpose = false;

/** The key is sent once and kept nowhere; what stays is a cookie that no script can read. */
export async function signIn(key: string): Promise<string | null> {
  try {
    const answer = await fetch("/session", {
      method: "POST",
      headers: { "content-type": "application/json", accept: "application/json" },
      body: JSON.stringify({ key }),
    });
    if (answer.ok) return null;
    if (answer.status === 429) return "Too many attempts. Wait a minute, then try again.";
    return answer.status === 401
      ? "This key opens nothing. It may be mistyped, revoked or expired."
      : "The service did not take the key. Send it as it was shown, beginning with bk_.";
  } catch {
    return "The service does not answer. Try again in a moment.";
  }
}

export async function signOut(): Promise<void> {
  try {
    await fetch("/session", { method: "DELETE", headers: { "x-requested-with": "billing-web" } });
  } finally {
    leftOnPurpose = true;
    signedOut.set(true);
  }
}

/** A sandbox signs in whoever opens a page of it; a page that was kept by the browser, or stayed open, did not ask. */
export async function isLetIn(): Promise<boolean> {
  if (leftOnPurpose) return false;
  try {
    await fetch(location.pathname, { headers: { accept: "text/html" }, cache: "no-store" });
  } catch {}
  try {
    return (await fetch("/session", { headers: { accept: "application/json" } })).ok;
  } catch {
    return false;
  }
}
