// The open room, or a link to one, is in the address, so that the back button, a reload and a log-in keep it.
import { useSyncExternalStore } from "react";

const ROOM = /^#\/rooms\/([\w-]+)/;
const LINK = /^#\/join\/([\w-]+)/; // behind the #, so that no server and no log gets the code

function subscribe(changed: () => void): () => void {
  addEventListener("hashchange", changed);
  return () => removeEventListener("hashchange", changed);
}

/** The id of the open room; null shows the list alone. */
export const useOpenRoom = () => useSyncExternalStore(subscribe, () => ROOM.exec(location.hash)?.[1] ?? null);
export const roomAddress = (id: string) => `#/rooms/${id}`;
export const openRoom = (id: string | null) => void (location.hash = id ? roomAddress(id) : "#/");

/** The code of the link at which the page was opened. */
export const useLinkCode = () => useSyncExternalStore(subscribe, () => LINK.exec(location.hash)?.[1] ?? null);
export const linkAddress = (code: string) => `${location.origin}${location.pathname}#/join/${code}`;
/** Opens a room instead of the link to it: the back button does not lead to the link. */
export const leaveLinkFor = (id: string) => location.replace(roomAddress(id));
