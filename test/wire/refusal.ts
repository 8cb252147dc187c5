/** Says that a message is no event, and why; thrown and caught within the contract. */
export class Refusal extends Error {
  /** As in the header `Natstate-Reason`. */
  readonly reason: string;

  constructor(reason: string) {
    super(reason);
    this.reason = reason;
  }
}
