import { Column, Entity, PrimaryColumn } from 'typeorm';
import { instant } from '../../activity/instant.js';

/** How often a property had which value on a UTC day that is over, bots left out; kept from when somebody asks. */
@Entity('djaffar_property_day')
export class PropertyDay {
  @PrimaryColumn({ name: 'startedAt', type: 'bigint', transformer: instant })
  startedAt!: Date;

  @PrimaryColumn({ name: 'property', type: 'varchar', length: 64 })
  property!: string;

  /** JSON, see {@link ValueCount}; `null` where there are too many values. */
  @Column({ name: 'counts', type: 'text', nullable: true })
  counts!: string | null;
}

/** How many activities of a name had a value. */
export type ValueCount = [name: string, value: string, activities: number];
