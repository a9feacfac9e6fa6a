// Errors, all with a `code`: those of the server are its problem codes.
import type { Problem, ProblemCode } from "./generated/contract.js";

/** Codes of the client itself, beside those of the server. */
export type ClientCode =
  | "client.offline" // there is no connection, or it was lost before the answer
  | "client.stopped" // the client was stopped, or its session has ended
  | "client.storage"; // the store failed

export type Code = ProblemCode | ClientCode;

/** The only error that this package throws or hands out. */
export class Refused extends Error {
  override readonly name = "Refused";

  constructor(
    readonly code: Code,
    detail: string = code,
    /** The server's problem; null when the client itself refused. */
    readonly problem: Problem | null = null,
  ) {
    super(detail);
  }

  static by(problem: Problem): Refused {
    return new Refused(problem.code, problem.detail, problem);
  }

  /** Whether the same request may succeed later. */
  get isRetryable(): boolean {
    return this.problem ? this.problem.retryable : this.code === "client.offline";
  }
}

export const offline = () => new Refused("client.offline", "There is no connection.");
export const stopped = () => new Refused("client.stopped", "The client was stopped.");
