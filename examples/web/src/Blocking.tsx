// Blocks somebody, and ends that.
import type { Author } from "parley-client";
import { useParley } from "parley-client/react";
import { useState } from "react";
import { useIsBlocked } from "./blocks.ts";
import { Dialog } from "./Dialog.tsx";
import { Icon } from "./Icon.tsx";
import { useAttempt } from "./notice.ts";

interface Props {
  user: Pick<Author, "id" | "display_name">;
  /** Shows a picture instead of a word. */
  isIcon?: boolean;
  tabIndex?: number;
}

/** Blocks after a question; unblocks at once. */
export function BlockButton({ user, isIcon, tabIndex }: Props) {
  const client = useParley();
  const attempt = useAttempt();
  const isBlocked = useIsBlocked(user.id);
  const [isAsking, setAsking] = useState(false);
  const word = isBlocked ? "Unblock" : "Block";
  const change = (method: "PUT" | "DELETE") =>
    attempt(client.rest(`${method} /v1/me/blocks/{user_id}`, { path: { user_id: user.id } }));

  async function block(): Promise<void> {
    setAsking(false);
    await change("PUT");
  }

  return (
    <>
      <button
        type="button"
        className={isIcon ? "plain" : "link"}
        aria-label={`${word} ${user.display_name}`}
        tabIndex={tabIndex}
        onClick={() => (isBlocked ? change("DELETE") : setAsking(true))}
      >
        {isIcon ? <Icon name="block" /> : word}
      </button>
      {isAsking && (
        <Dialog title={`Block ${user.display_name}?`} onClose={() => setAsking(false)}>
          <p>You will not see what {user.display_name} writes, and neither of you can write in your direct room. Nobody is told.</p>
          <button className="danger" data-first onClick={block}>Block</button>
        </Dialog>
      )}
    </>
  );
}

/** Stands in a direct room instead of the input. */
export function BlockedLine({ user }: { user: Author }) {
  return (
    <p className="hint">
      You block {user.display_name}: neither of you can write here. <BlockButton user={user} />
    </p>
  );
}
