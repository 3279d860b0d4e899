/** Memory that is used again and again, because allocating it takes longer than filling it. */
export class ReusableBuffer {
  private bytes = Buffer.alloc(0);

  /**
   * Returns at least `size` bytes.
   * @param kept how many of the first bytes are still needed
   */
  allocate(size: number, kept = 0): Buffer {
    if (this.bytes.length < size) {
      const larger = Buffer.allocUnsafeSlow(2 * size);
      this.bytes.copy(larger, 0, 0, kept);
      this.bytes = larger;
    }
    return this.bytes;
  }
}
