// The modules of parley-client that this page uses beside the core, open while the chat is.
import type { Parley } from "parley-client";
import { Badges } from "parley-client/badges";
import { syncDrafts } from "parley-client/drafts";
import { Presence } from "parley-client/presence";
import { Reactions } from "parley-client/reactions";
import { acknowledge } from "parley-client/receipts";
import { followStreams } from "parley-client/streaming";
import { createContext, useContext, useEffect, useState } from "react";

export interface Beside {
  presence: Presence;
  reactions: Reactions;
  badges: Badges;
}

export const BesideContext = createContext<Beside | null>(null);
export const useBeside = () => useContext(BesideContext)!;

export function useOpenBeside(client: Parley): Beside {
  const [beside] = useState<Beside>(() => ({ presence: new Presence(client), reactions: new Reactions(client), badges: new Badges(client) }));
  useEffect(() => {
    const ends = [acknowledge(client), syncDrafts(client), followStreams(client), beside.presence.open(), beside.reactions.open(), beside.badges.open()];
    return () => ends.forEach((end) => end());
  }, [client, beside]);
  return beside;
}
