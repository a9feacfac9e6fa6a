// Whether somebody is there: a dot, and the word for it.
import { useReadable } from "parley-client/react";
import { useBeside } from "./beside.ts";

export function PresenceDot({ user }: { user: string }) {
  const { state } = useReadable(useBeside().presence.of(user)) ?? {};
  if (!state || state === "offline") return null;
  return <span className={`presence ${state}`} title={state}><span className="unseen">{state}</span></span>;
}
