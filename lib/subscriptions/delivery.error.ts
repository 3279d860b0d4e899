/** Why a delivery failed. Only the code is stored, because the message may name somebody. */
export class DeliveryError extends Error {
  /**
   * @param code such as `503`
   * @param isFinal whether another try is useless
   */
  constructor(
    message: string,
    readonly code: string,
    readonly isFinal = false,
  ) {
    super(message);
    this.name = 'DeliveryError';
  }
}
