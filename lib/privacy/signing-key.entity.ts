import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../database/columns/instant.js';

/** A random key that signs the visitors' cookies. All instances of an application share the same keys. */
@Entity('djaffar_signing_key')
export class SigningKey {
  /** Counts up from 1, so that of two instances that make a key at the same moment one makes it. */
  @PrimaryColumn({ name: 'number', type: 'int' })
  number!: number;

  @Column({ name: 'createdAt', type: 'bigint', transformer: instant })
  createdAt!: Date;

  /** 32 random bytes as base64url. */
  @Column({ name: 'secret', type: 'varchar', length: 43 })
  secret!: string;
}
