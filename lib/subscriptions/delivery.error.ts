/** Why a delivery failed, with what may be stored of it. */
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
