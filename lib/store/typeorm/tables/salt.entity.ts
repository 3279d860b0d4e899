import { Column, Entity, PrimaryColumn } from 'typeorm';
import type { Salt as Model } from '../../../privacy/salt.js';

@Entity('djaffar_salt', { synchronize: false })
export class Salt implements Model {
  @PrimaryColumn({ name: 'period', type: 'int' })
  period!: number;

  @Column({ name: 'secret', type: 'varchar', length: 43 })
  secret!: string;
}
