// The people whom this user blocks, loaded by REST and again after an event about them.
import type { Author, Parley } from "parley-client";
import { useReadable } from "parley-client/react";
import { createContext, useContext, useEffect, useState } from "react";

export const BlocksContext = createContext<readonly Author[]>([]);
export const useBlocks = () => useContext(BlocksContext);
export const useIsBlocked = (user: string | undefined) => useBlocks().some(({ id }) => id === user);

async function listBlocks(client: Parley): Promise<Author[]> {
  const people: Author[] = [];
  let cursor: string | null = null;
  do {
    const query: { limit: number; cursor?: string } = { limit: 100, ...(cursor && { cursor }) };
    const page = await client.rest("GET /v1/me/blocks", { query });
    people.push(...page.results.map(({ user }) => user));
    cursor = page.next;
  } while (cursor);
  return people;
}

export function useLoadedBlocks(client: Parley): readonly Author[] {
  const status = useReadable(client.status);
  const [people, setPeople] = useState<readonly Author[]>([]);

  useEffect(() => {
    let newest = 0; // a later load supersedes those before
    const load = () => {
      const run = ++newest;
      // Without a connection: again when it is back.
      listBlocks(client).then((found) => run === newest && setPeople(found), () => {});
    };
    if (status === "live") load();
    const end = client.on("event", ({ event }) => {
      if (event.type === "block.added" || event.type === "block.removed") load();
    });
    return () => {
      newest = NaN;
      end();
    };
  }, [client, status]);

  return people;
}
