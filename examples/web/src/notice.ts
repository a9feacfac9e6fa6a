// What went wrong, shown for a moment at the edge of the page.
import { Refused } from "parley-client";
import { createContext, useCallback, useContext } from "react";

export const NoticeContext = createContext<(text: string) => void>(() => {});

/** Runs something that the server may refuse, and shows why. Resolves with undefined then. */
export function useAttempt() {
  const show = useContext(NoticeContext);
  return useCallback(
    async <T>(work: Promise<T>): Promise<T | undefined> => {
      try {
        return await work;
      } catch (error) {
        if (!(error instanceof Refused)) throw error;
        show(error.message);
        return undefined;
      }
    },
    [show],
  );
}
