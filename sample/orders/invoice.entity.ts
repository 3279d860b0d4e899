import { Entity, PrimaryColumn } from 'typeorm';

@Entity('invoices')
export class Invoice {
  /** Such as `order:17`. */
  @PrimaryColumn({ type: 'varchar', length: 64 })
  order!: string;
}
