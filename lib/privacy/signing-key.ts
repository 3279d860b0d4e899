/** A random key that signs the visitors' cookies. All instances of an application share the same keys. */
export interface SigningKey {
  /** Counts up from 1, so that of two instances that make a key at the same moment one makes it. */
  number: number;
  createdAt: Date;
  /** 32 random bytes as base64url. */
  secret: string;
}
