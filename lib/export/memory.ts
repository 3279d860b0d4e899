/** Bytes that are used again and again: to be given them takes longer than to fill them. */
export class Memory {
  private bytes = Buffer.alloc(0);

  /** At least so many; those of the last time are lost. */
  take(size: number): Buffer {
    if (this.bytes.length < size) this.bytes = Buffer.allocUnsafeSlow(2 * size);
    return this.bytes;
  }
}
