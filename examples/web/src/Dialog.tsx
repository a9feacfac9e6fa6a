// The frame of all dialogs.
import { useEffect, useId, useRef, type ReactNode } from "react";
import { Icon } from "./Icon.tsx";

/** A modal dialog; the browser's own keeps the focus inside, and gives it back. */
export function Dialog({ title, onClose, children }: { title: string; onClose(): void; children: ReactNode }) {
  const dialog = useRef<HTMLDialogElement>(null);
  const heading = useId();
  useEffect(() => {
    const opened = dialog.current!;
    opened.showModal();
    opened.querySelector<HTMLElement>("[data-first]")?.focus(); // React keeps `autofocus` to itself
    return () => opened.close();
  }, []);

  return (
    // oxlint-disable-next-line jsx-a11y/click-events-have-key-events -- the key is Escape, by onCancel
    <dialog
      ref={dialog}
      aria-labelledby={heading}
      onCancel={(event) => {
        event.preventDefault();
        if (event.target === dialog.current) onClose(); // React hands on that of a dialog inside
      }}
      onClick={(event) => event.target === dialog.current && onClose()}
    >
      <div className="dialog">
        <header>
          <h2 id={heading}>{title}</h2>
          <button className="plain" aria-label="Close" onClick={onClose}><Icon name="close" /></button>
        </header>
        {children}
      </div>
    </dialog>
  );
}
