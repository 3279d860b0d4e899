/** Bytes that are used again and again: to be given them takes longer than to fill them. */
export class Memory {
  private bytes = Buffer.alloc(0);

  /**
   * At least so many.
   * @param kept how many of those of the last time are still needed
   */
  take(size: number, kept = 0): Buffer {
    if (this.bytes.length < size) {
      const more = Buffer.allocUnsafeSlow(2 * size);
      this.bytes.copy(more, 0, 0, kept);
      this.bytes = more;
    }
    return this.bytes;
  }
}
