import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../../../database/column-transformers.js';
import type { SigningKey as Key } from '../../../privacy/signing-key.js';

@Entity('djaffar_signing_key', { synchronize: false })
export class SigningKey implements Key {
  @PrimaryColumn({ name: 'number', type: 'int' })
  number!: number;

  @Column({ name: 'createdAt', type: 'bigint', transformer: instant })
  createdAt!: Date;

  @Column({ name: 'secret', type: 'varchar', length: 43 })
  secret!: string;
}
